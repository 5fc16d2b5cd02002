import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type OnnxMatrixKernel, openMatrixKernel } from "#lib/pca/kernel/onnx-matrix-kernel.ts";

describe("the ONNX matrix kernel", () => {
  let kernel: OnnxMatrixKernel;

  beforeAll(async () => {
    kernel = await openMatrixKernel(1);
  });

  afterAll(() => kernel.release());

  test.each([
    { rowCount: 5, dimensions: 1 },
    { rowCount: 1, dimensions: 3 },
    { rowCount: 40, dimensions: 256 },
    { rowCount: 9, dimensions: 257 },
    { rowCount: 33, dimensions: 600 },
  ])("adds the scatter of $rowCount rows of $dimensions by definition", async ({ rowCount, dimensions }) => {
    const rows = Float32Array.from({ length: rowCount * dimensions }, (_, index) => 100 + Math.sin(index * index));
    const mean = Float64Array.from({ length: dimensions }, (_, column) => 100 + Math.cos(column));
    const scatter = Float64Array.from({ length: (dimensions * (dimensions + 1)) / 2 }, (_, index) => index % 7);
    const expected = scatter.slice();
    addByDefinition(rows, mean, expected);

    await kernel.addScatter(rows, mean, scatter);

    for (const [index, value] of expected.entries()) {
      // Rows enter exactly, and sums are in float64: nothing but the order of summation may differ.
      if (Math.abs(scatter[index]! - value) > 1e-14 * rowCount) {
        expect.fail(`element ${index} is ${scatter[index]}, not ${value}`);
      }
    }
  });

  test.each([
    { dimensions: 1, width: 1 },
    { dimensions: 65, width: 9 },
    { dimensions: 256, width: 4 },
    { dimensions: 257, width: 16 },
    { dimensions: 600, width: 10 },
  ])("multiplies a matrix of $dimensions dimensions by $width columns", async ({ dimensions, width }) => {
    const matrix = Float64Array.from({ length: (dimensions * (dimensions + 1)) / 2 }, (_, index) => Math.sin(index));
    const block = Float64Array.from({ length: dimensions * width }, (_, index) => Math.cos(index * index));
    const expected = multiplyByDefinition(matrix, block, width);
    const products = [1, 2, 3].map(() => new Float64Array(block.length).fill(Number.NaN));

    // Calls that overlap share memory, and must not meet in it.
    await Promise.all(products.map((product) => kernel.multiplySymmetric(matrix, block, width, product)));

    for (const product of products) {
      for (const [index, value] of expected.entries()) {
        if (!(Math.abs(product[index]! - value) <= 1e-15 * dimensions)) {
          expect.fail(`element ${index} is ${product[index]}, not ${value}`);
        }
      }
    }
    expect(products[1]).toEqual(products[0]);
  });
});

function multiplyByDefinition(matrix: Float64Array, block: Float64Array, width: number): Float64Array {
  const dimensions = block.length / width;
  const product = new Float64Array(block.length);
  const elementAt = (row: number, column: number) => {
    const [upper, right] = row <= column ? [row, column] : [column, row];
    return matrix[upper * dimensions - (upper * (upper + 1)) / 2 + right]!;
  };
  for (let row = 0; row < dimensions; row++) {
    for (let inner = 0; inner < dimensions; inner++) {
      const element = elementAt(row, inner);
      for (let column = 0; column < width; column++) {
        const at = row * width + column;
        product[at] = product[at]! + element * block[inner * width + column]!;
      }
    }
  }
  return product;
}

function addByDefinition(rows: Float32Array, mean: Float64Array, scatter: Float64Array): void {
  for (let start = 0; start < rows.length; start += mean.length) {
    let index = 0;
    for (let row = 0; row < mean.length; row++) {
      for (let column = row; column < mean.length; column++) {
        const product = (rows[start + row]! - mean[row]!) * (rows[start + column]! - mean[column]!);
        scatter[index] = scatter[index]! + product;
        index++;
      }
    }
  }
}
