import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type OnnxGramKernel, openGramKernel } from "../../../../lib/model/onnx-gram-kernel.ts";

describe("the ONNX Gram kernel", () => {
  let kernel: OnnxGramKernel;

  beforeAll(async () => {
    kernel = await openGramKernel(1);
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
});

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
