import { expect, test } from "vitest";
import { packedIndex, packedLength } from "#lib/pca/packed-triangle.ts";
import { iterateSubspace } from "#lib/pca/subspace-iteration.ts";
import { loopKernel } from "./loop-kernel.ts";

const DIMENSIONS = 40;
const WIDTH = 4;

/** Eigenvalues 1, 0.999, 0.998, …: far too close for a few products. */
function slowMatrix(): Float64Array {
  const matrix = new Float64Array(packedLength(DIMENSIONS));
  for (let index = 0; index < DIMENSIONS; index++) matrix[packedIndex(index, index, DIMENSIONS)] = 1 - index / 1000;
  return matrix;
}

const startBlock = () => Float64Array.from({ length: DIMENSIONS * WIDTH }, (_, index) => Math.sin(index * index));

test("an iteration that is cut short says so, with the residual it has reached", async () => {
  const options = { width: WIDTH, wanted: 2, residualMax: 1e-13, productsMax: 30 };

  const pairs = await iterateSubspace(slowMatrix(), startBlock(), options, loopKernel);

  expect(pairs.converged).toBe(false);
  expect(pairs.residual).toBeGreaterThan(1e-13);
  expect(pairs.products).toBeLessThanOrEqual(30);
});

test("more products bring it to its bound", async () => {
  const options = { width: WIDTH, wanted: 2, residualMax: 1e-13, productsMax: 5000 };

  const pairs = await iterateSubspace(slowMatrix(), startBlock(), options, loopKernel);

  expect(pairs.converged).toBe(true);
  expect(pairs.residual).toBeLessThanOrEqual(1e-13);
  expect(pairs.values[0]).toBeCloseTo(1, 10);
  expect(pairs.values[1]).toBeCloseTo(0.999, 10);
});
