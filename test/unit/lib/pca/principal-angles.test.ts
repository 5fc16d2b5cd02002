import { describe, expect, test } from "vitest";
import { principalAngles, type Subspace } from "#lib/pca/principal-angles.ts";

/** Rows that turn the first `angles.length` axes of 20 towards the next ones, one angle each. */
function turned(angles: readonly number[]): Subspace {
  const dimensions = 20;
  const components = new Float64Array(angles.length * dimensions);
  for (const [row, angle] of angles.entries()) {
    components[row * dimensions + row] = Math.cos(angle);
    components[row * dimensions + 10 + row] = Math.sin(angle);
  }
  return { dimensions, components };
}

describe("principal angles", () => {
  test("are exact from the tiniest to the right angle", () => {
    const angles = [0, 1e-15, 1e-12, 1e-9, 1e-4, 0.5, Math.PI / 4, 1.2, 1.5, Math.PI / 2];

    const actual = principalAngles(turned(new Array<number>(angles.length).fill(0)), turned(angles));

    for (const [index, angle] of angles.entries()) {
      expect(Math.abs(actual[index]! - angle)).toBeLessThan(1e-15 + 1e-14 * angle);
    }
  });

  test("come ascending, whatever the order of the rows, and the same from both sides", () => {
    const [a, b] = [turned([0, 0, 0]), turned([1.1, 0.2, 0.7])];

    const angles = principalAngles(a, b);

    expect([...angles].map((angle) => angle.toFixed(10))).toEqual(["0.2000000000", "0.7000000000", "1.1000000000"]);
    for (const [index, angle] of principalAngles(b, a).entries()) expect(angle).toBeCloseTo(angles[index]!, 14);
  });

  test("ignore signs and mixing within a subspace", () => {
    const { dimensions, components } = turned([0, 0]);
    const half = Math.SQRT1_2;
    const mixed = new Float64Array(components.length);
    mixed.set([half, -half], 0);
    mixed.set([-half, -half], dimensions);

    expect(principalAngles({ dimensions, components }, { dimensions, components: mixed }).at(-1)).toBeLessThan(1e-15);
  });

  test("of a subspace within a larger one are zero, one per dimension of the smaller", () => {
    expect([...principalAngles(turned([0, 0, 0]), turned([0, 0]))]).toEqual([0, 0]);
  });

  test("need one surrounding space", () => {
    const other = { dimensions: 3, components: Float64Array.of(1, 0, 0) };

    expect(() => principalAngles(turned([0]), other)).toThrow("of 20 and of 3 dimensions");
  });
});
