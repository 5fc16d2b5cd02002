import { Matrix } from "ml-matrix";
import { expect, test } from "vitest";
import { orthonormalise } from "#lib/pca/orthonormal-block.ts";
import { WorkSlices } from "#lib/pca/work-slices.ts";

function departureFromOrthonormal(block: Float64Array, width: number): number {
  const columns = Matrix.from1DArray(block.length / width, width, block);
  return columns.transpose().mmul(columns).sub(Matrix.eye(width)).abs().max();
}

test("nearly dependent columns come out orthonormal to working precision, spanning what they spanned", async () => {
  const rows = 30;
  const width = 3;
  const block = Float64Array.from({ length: rows * width }, (_, index) => {
    const row = Math.floor(index / width);
    return Math.cos(row) + [0, 1e-9 * Math.sin(row), 1e-9 * Math.sin(2 * row)][index % width]!;
  });
  const spanned = Array.from({ length: rows }, (_, row) => Math.sin(row));

  await orthonormalise(block, width, new WorkSlices());

  expect(departureFromOrthonormal(block, width)).toBeLessThan(1e-15 * rows);
  const columns = Matrix.from1DArray(rows, width, block);
  const direction = Matrix.columnVector(spanned);
  const outside = direction.clone().sub(columns.mmul(columns.transpose().mmul(direction)));
  expect(outside.norm() / direction.norm()).toBeLessThan(1e-6);
});

test("zero, repeated and dependent columns are replaced by directions of their own, the same every time", async () => {
  const rows = 6;
  const columnOf = (row: number) => [1, 1, 0, row, row + 1, 0];
  const make = () => Float64Array.from(Array.from({ length: rows }, (_, row) => columnOf(row)).flat());
  const [first, second] = [make(), make()];

  await orthonormalise(first, 6, new WorkSlices());
  await orthonormalise(second, 6, new WorkSlices());

  expect(departureFromOrthonormal(first, 6)).toBeLessThan(1e-14);
  expect(first).toEqual(second);
});
