import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { resizeBands } from "#lib/model/resize-bands.ts";
import { type AxisResize, resizeWeights } from "#lib/model/resize-weights.ts";

const axes: fc.Arbitrary<AxisResize> = fc
  .record({ sourceSize: fc.integer({ min: 1, max: 60 }), targetSize: fc.integer({ min: 1, max: 48 }) })
  .chain(({ sourceSize, targetSize }) =>
    fc.integer({ min: targetSize, max: 60 }).chain((resizedSize) =>
      fc.record({
        sourceSize: fc.constant(sourceSize),
        targetSize: fc.constant(targetSize),
        resizedSize: fc.constant(resizedSize),
        cropOffset: fc.integer({ min: 0, max: resizedSize - targetSize }),
        part: fc.constant({ start: 0, size: sourceSize }),
      }),
    ),
  );

describe("resizeBands", () => {
  test("holds every weight that is not 0, at its pixel", () => {
    fc.assert(
      fc.property(axes, (axis) => {
        const { bands, reach, weights, pixels } = resizeBands(axis);
        const height = axis.targetSize / bands;
        const dense = new Float32Array(axis.targetSize * axis.part.size);
        for (let row = 0; row < axis.targetSize; row++) {
          for (let index = 0; index < reach; index++) {
            const pixel = pixels[Math.floor(row / height) * reach + index]!;
            dense[row * axis.part.size + pixel] = weights[row * reach + index]!;
          }
        }
        expect(dense.map(plusZero)).toEqual(resizeWeights(axis).map(plusZero));
      }),
    );
  });

  test("leaves out five sixths of the work of an enlarged photo", () => {
    const axis = { sourceSize: 100, resizedSize: 224, cropOffset: 0, targetSize: 224, part: { start: 0, size: 100 } };
    expect(resizeBands(axis)).toMatchObject({ bands: 8, reach: 16 });
  });
});

/** Makes 0 of -0. */
function plusZero(weight: number): number {
  return weight + 0;
}
