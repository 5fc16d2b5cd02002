import fc from "fast-check";
import { Matrix } from "ml-matrix";
import { expect, test } from "vitest";
import { addOuterProduct, packedIndex, packedLength, trace } from "#lib/pca/packed-triangle.ts";
import { loopKernel } from "./loop-kernel.ts";

test("the index enumerates the upper triangle row by row, in either order of row and column", () => {
  const dimensions = 5;
  const indices: number[] = [];
  for (let row = 0; row < dimensions; row++) {
    for (let column = row; column < dimensions; column++) {
      indices.push(packedIndex(row, column, dimensions));
      expect(packedIndex(column, row, dimensions)).toBe(indices.at(-1));
    }
  }
  expect(indices).toEqual(Array.from({ length: packedLength(dimensions) }, (_, index) => index));
});

test("outer products, trace and block products are those of the square matrix", async () => {
  const number = fc.integer({ min: -9, max: 9 });
  const problem = fc.integer({ min: 1, max: 9 }).chain((dimensions) =>
    fc.record({
      vectors: fc.array(fc.array(number, { minLength: dimensions, maxLength: dimensions }), {
        minLength: 1,
        maxLength: 4,
      }),
      scale: number,
      block: fc.array(fc.array(number, { minLength: 8, maxLength: 8 }), {
        minLength: dimensions,
        maxLength: dimensions,
      }),
    }),
  );
  await fc.assert(
    fc.asyncProperty(problem, async ({ vectors, scale, block }) => {
      const dimensions = block.length;
      const triangle = new Float64Array(packedLength(dimensions));
      for (const vector of vectors) addOuterProduct(triangle, Float64Array.from(vector), scale);
      const rows = new Matrix(vectors);
      const square = rows.transpose().mmul(rows).mul(scale);
      expect(trace(triangle, dimensions)).toBe(square.trace());

      for (const width of [4, 8]) {
        const columns = new Matrix(block).subMatrix(0, dimensions - 1, 0, width - 1);
        const product = new Float64Array(dimensions * width).fill(Number.NaN);
        await loopKernel.multiplySymmetric(triangle, Float64Array.from(columns.to1DArray()), width, product);
        // Adding zero makes the sign of a zero that of the oracle.
        expect([...product].map((value) => value + 0)).toEqual(square.mmul(columns).add(0).to1DArray());
      }
    }),
  );
});
