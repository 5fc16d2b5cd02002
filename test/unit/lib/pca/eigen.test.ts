import { describe, expect, test } from "vitest";
import { type Eigenpairs, largestEigenpairs } from "#lib/pca/eigen.ts";
import { momentsOfRows } from "#lib/pca/moments.ts";
import { packedIndex, packedLength } from "#lib/pca/packed-triangle.ts";
import { principalAngles } from "#lib/pca/principal-angles.ts";
import { batchPca } from "./batch-pca.ts";
import { loopKernel } from "./loop-kernel.ts";
import { rowsWithGaps } from "./random-rows.ts";

/** Above the size up to which matrices are decomposed directly. */
const LARGE = 90;

async function scatterOf(rows: Float32Array, dimensions: number): Promise<Float64Array> {
  return (await momentsOfRows(rows, dimensions, loopKernel)).scatter;
}

describe.each([7, LARGE])("the largest eigenpairs of a matrix of %i dimensions", (dimensions) => {
  test("are those of the full decomposition", async () => {
    const rows = rowsWithGaps(400, dimensions, 7, 1);
    const oracle = batchPca(rows, dimensions, 5);

    const pairs = await largestEigenpairs(await scatterOf(rows, dimensions), dimensions, 5, loopKernel);

    expect(pairs.converged).toBe(true);
    for (const [index, variance] of oracle.explainedVariance.entries()) {
      expect(Math.abs(pairs.values[index]! / 399 / variance - 1)).toBeLessThan(1e-11);
      const own = { dimensions, components: pairs.vectors.slice(index * dimensions, (index + 1) * dimensions) };
      const other = { dimensions, components: oracle.components.slice(index * dimensions, (index + 1) * dimensions) };
      expect(principalAngles(own, other)[0]).toBeLessThan(1e-9);
    }
    expectOrthonormal(pairs, dimensions);
  });

  test("do not depend on the start", async () => {
    const scatter = await scatterOf(rowsWithGaps(400, dimensions, 7, 2), dimensions);
    const cold = await largestEigenpairs(scatter, dimensions, 4, loopKernel);
    const start = (await scatterOf(rowsWithGaps(4, 4 * dimensions, 4, 3), 4 * dimensions)).slice(0, 4 * dimensions);

    for (const rows of [cold.vectors, start, cold.vectors.slice(0, dimensions), new Float64Array(4 * dimensions)]) {
      const warm = await largestEigenpairs(scatter, dimensions, 4, loopKernel, rows);
      expect(warm.converged).toBe(true);
      expect(angleBetween(warm, cold, dimensions)).toBeLessThan(1e-10);
    }
  });

  test("of a matrix of lower rank than asked for are orthonormal, with exactly zero surplus", async () => {
    const pairs = await largestEigenpairs(
      await scatterOf(rowsWithGaps(3, dimensions, 3, 4), dimensions),
      dimensions,
      6,
      loopKernel,
    );

    expect(pairs.converged).toBe(true);
    expect(Array.from(pairs.values, (value) => value > 0)).toEqual([true, true, false, false, false, false]);
    expect([...pairs.values.slice(2)]).toEqual([0, 0, 0, 0]);
    expectOrthonormal(pairs, dimensions);
  });

  test("of zero are orthonormal", async () => {
    const pairs = await largestEigenpairs(new Float64Array(packedLength(dimensions)), dimensions, 3, loopKernel);

    expect(pairs).toMatchObject({ values: new Float64Array(3), residual: 0, converged: true });
    expectOrthonormal(pairs, dimensions);
  });

  test("of a multiple of the identity are orthonormal", async () => {
    const pairs = await largestEigenpairs(diagonal(new Array<number>(dimensions).fill(3)), dimensions, 4, loopKernel);

    expect(pairs.converged).toBe(true);
    for (const value of pairs.values) expect(value).toBeCloseTo(3, 12);
    expectOrthonormal(pairs, dimensions);
  });
});

test("a start that is invariant but not dominant is left for the dominant subspace", async () => {
  const values = Array.from({ length: LARGE }, (_, index) => LARGE - index);
  const start = new Float64Array(2 * LARGE);
  start[50] = 1;
  start[LARGE + 51] = 1;

  const pairs = await largestEigenpairs(diagonal(values), LARGE, 2, loopKernel, start);

  expect([...pairs.values].map((value) => Math.round(value))).toEqual([LARGE, LARGE - 1]);
  expect(pairs.converged).toBe(true);
});

test("an equal eigenvalue inside and outside the wanted ones still gives eigenpairs", async () => {
  const values = Array.from({ length: LARGE }, (_, index) => (index < 12 ? 5 : 1));

  const pairs = await largestEigenpairs(diagonal(values), LARGE, 3, loopKernel);

  expect(pairs.converged).toBe(true);
  for (const value of pairs.values) expect(value).toBeCloseTo(5, 12);
  expectOrthonormal(pairs, LARGE);
});

test("the same matrix gives the same bits", async () => {
  const scatter = await scatterOf(rowsWithGaps(50, LARGE, 9, 5), LARGE);

  expect(await largestEigenpairs(scatter, LARGE, 6, loopKernel)).toEqual(
    await largestEigenpairs(scatter, LARGE, 6, loopKernel),
  );
});

function diagonal(values: readonly number[]): Float64Array {
  const matrix = new Float64Array(packedLength(values.length));
  for (const [index, value] of values.entries()) matrix[packedIndex(index, index, values.length)] = value;
  return matrix;
}

function angleBetween(a: Eigenpairs, b: Eigenpairs, dimensions: number): number {
  return principalAngles({ dimensions, components: a.vectors }, { dimensions, components: b.vectors }).at(-1)!;
}

function expectOrthonormal({ vectors }: Eigenpairs, dimensions: number): void {
  for (let a = 0; a < vectors.length; a += dimensions) {
    for (let b = 0; b <= a; b += dimensions) {
      let product = 0;
      for (let column = 0; column < dimensions; column++) product += vectors[a + column]! * vectors[b + column]!;
      expect(product).toBeCloseTo(a === b ? 1 : 0, 12);
    }
  }
}

test("more than sixty pairs of a larger matrix are those of the full decomposition too", async () => {
  const [dimensions, k] = [140, 61];
  const scatter = await scatterOf(rowsWithGaps(400, dimensions, 70, 5), dimensions);
  const pairs = await largestEigenpairs(scatter, dimensions, k, loopKernel);
  expect(pairs).toMatchObject({ converged: true, products: 0 });
  expectOrthonormal(pairs, dimensions);
  const fewer = await largestEigenpairs(scatter, dimensions, k - 1, loopKernel);
  expect(fewer.products).toBeGreaterThan(0);
  for (let index = 0; index < k - 1; index++) {
    expect(Math.abs(pairs.values[index]! - fewer.values[index]!) / pairs.values[0]!).toBeLessThan(1e-10);
  }
});
