import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type AxisResize, resizeWeights, sourceReach } from "#lib/model/resize-weights.ts";

const size = fc.integer({ min: 1, max: 60 });

describe("resizeWeights", () => {
  test.each([
    {
      axis: whole(3, 5),
      rows: [
        [1.0754716, -0.0754717, 0],
        [0.6492537, 0.3955224, -0.0447761],
        [0, 1, 0],
        [-0.0447761, 0.3955224, 0.6492537],
        [0, -0.0754717, 1.0754716],
      ],
    },
    {
      axis: whole(7, 3),
      rows: [
        [0.3830645, 0.4395161, 0.2137097, 0, -0.0322581, -0.0040323, 0],
        [-0.030525, 0.045177, 0.2759463, 0.4188034, 0.2759463, 0.045177, -0.030525],
        [0, -0.0040323, -0.0322581, 0, 0.2137097, 0.4395161, 0.3830645],
      ],
    },
  ])("gives what Pillow 13 resizes unit impulses to ($axis.sourceSize to $axis.resizedSize)", ({ axis, rows }) => {
    expectClose(resizeWeights(axis), rows.flat());
  });

  test("agrees with the kernel evaluated at every pixel", () => {
    fc.assert(
      fc.property(size, size, (sourceSize, resizedSize) => {
        const axis = whole(sourceSize, resizedSize);
        expectClose(resizeWeights(axis), naiveWeights(axis));
      }),
    );
  });

  test("rows sum to one, so a flat photo stays flat up to its edges", () => {
    fc.assert(
      fc.property(size, size, (sourceSize, resizedSize) => {
        const weights = resizeWeights(whole(sourceSize, resizedSize));
        for (let row = 0; row < resizedSize; row++) {
          const sum = weights.subarray(row * sourceSize, (row + 1) * sourceSize).reduce((a, b) => a + b, 0);
          expect(sum).toBeCloseTo(1, 5);
        }
      }),
    );
  });

  test("is the identity between equal sizes", () => {
    fc.assert(
      fc.property(size, (side) => {
        const identity = Float32Array.from({ length: side * side }, (_, i) => (i % (side + 1) === 0 ? 1 : 0));
        expectClose(resizeWeights(whole(side, side)), identity);
      }),
    );
  });

  test("a crop keeps the rows of the whole that it covers", () => {
    fc.assert(
      fc.property(size, size, fc.nat(59), fc.nat(59), (sourceSize, resizedSize, a, b) => {
        const cropOffset = a % resizedSize;
        const targetSize = 1 + (b % (resizedSize - cropOffset));
        const rows = resizeWeights(whole(sourceSize, resizedSize));
        const kept = rows.subarray(cropOffset * sourceSize, (cropOffset + targetSize) * sourceSize);
        expect(resizeWeights({ ...whole(sourceSize, resizedSize), cropOffset, targetSize })).toEqual(kept);
      }),
    );
  });

  test("of the part that a crop reaches are those of the whole axis, and nothing else has weight", () => {
    fc.assert(
      fc.property(size, size, fc.nat(59), fc.nat(59), (sourceSize, resizedSize, a, b) => {
        const cropOffset = a % resizedSize;
        const targetSize = 1 + (b % (resizedSize - cropOffset));
        const axis = { ...whole(sourceSize, resizedSize), cropOffset, targetSize };
        const part = sourceReach(axis);
        const all = resizeWeights(axis);
        const reached = resizeWeights({ ...axis, part });
        const padded = new Float32Array(all.length);
        for (let row = 0; row < targetSize; row++) {
          padded.set(reached.subarray(row * part.size, (row + 1) * part.size), row * sourceSize + part.start);
        }
        expect(padded).toEqual(all);
      }),
    );
  });
});

function whole(sourceSize: number, resizedSize: number): AxisResize {
  const part = { start: 0, size: sourceSize };
  return { sourceSize, resizedSize, cropOffset: 0, targetSize: resizedSize, part };
}

/** Keys' kernel in the textbook's form, with no window and no tricks. */
function naiveWeights({ sourceSize, resizedSize }: AxisResize): number[] {
  const a = -0.5;
  const kernel = (t: number) => {
    if (t <= 1) return (a + 2) * t ** 3 - (a + 3) * t ** 2 + 1;
    return t < 2 ? a * t ** 3 - 5 * a * t ** 2 + 8 * a * t - 4 * a : 0;
  };
  const scale = sourceSize / resizedSize;
  return Array.from({ length: resizedSize }, (_, row) => {
    const distance = (pixel: number) => Math.abs(pixel + 0.5 - (row + 0.5) * scale) / Math.max(scale, 1);
    const values = Array.from({ length: sourceSize }, (_, pixel) => kernel(distance(pixel)));
    const sum = values.reduce((x, y) => x + y, 0);
    return values.map((value) => value / sum);
  }).flat();
}

function expectClose(actual: Float32Array, expected: ArrayLike<number>): void {
  expect(actual).toHaveLength(expected.length);
  const worst = actual.reduce((most, value, index) => Math.max(most, Math.abs(value - expected[index]!)), 0);
  expect(worst).toBeLessThan(1e-6);
}
