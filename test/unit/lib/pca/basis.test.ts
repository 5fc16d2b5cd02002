import fc from "fast-check";
import { Matrix } from "ml-matrix";
import { describe, expect, test } from "vitest";
import { type Basis, computeBasis, project } from "#lib/pca/basis.ts";
import { openMatrixKernel } from "#lib/pca/kernel/onnx-matrix-kernel.ts";
import { emptyMoments, momentsOfRows } from "#lib/pca/moments.ts";
import { principalAngles } from "#lib/pca/principal-angles.ts";
import { batchPca } from "./batch-pca.ts";
import { loopKernel } from "./loop-kernel.ts";
import { mergeMoments } from "./merge-moments.ts";
import { cutRows, partsOf, rowsWithGaps, shuffled } from "./random-rows.ts";

const momentsOf = (rows: Float32Array, dimensions: number) => momentsOfRows(rows, dimensions, loopKernel);

describe("a basis", () => {
  test.each([{ dimensions: 12 }, { dimensions: 80 }])(
    "of $dimensions dimensions is that of batch PCA",
    async ({ dimensions }) => {
      const rows = rowsWithGaps(300, dimensions, 8, 1);

      expectBatch(await computeBasis(await momentsOf(rows, dimensions), 5, loopKernel), rows, 5);
    },
  );

  test.each([{ dimensions: 12 }, { dimensions: 80 }])(
    "of $dimensions dimensions is the same to 1e-8 for any split, order and merge of the rows",
    async ({ dimensions }) => {
      const rows = rowsWithGaps(120, dimensions, 6, 2);
      const whole = await computeBasis(await momentsOf(rows, dimensions), 4, loopKernel);
      const cuts = fc
        .array(fc.integer({ min: 0, max: 120 }), { maxLength: 6 })
        .map((list) => list.sort((a, b) => a - b));
      await fc.assert(
        fc.asyncProperty(cuts, fc.integer({ min: 0, max: 1e6 }), async (cuts, seed) => {
          const parts = partsOf({ dimensions, rows: shuffled(rows, dimensions, seed), cuts });
          const moments = await Promise.all(parts.map((part) => momentsOf(part, dimensions)));

          expectSame(await computeBasis(moments.reduce(mergeMoments), 4, loopKernel), whole);
        }),
        { numRuns: 25 },
      );
    },
  );

  test("is accurate far from the origin", async () => {
    const rows = rowsWithGaps(200, 70, 4, 5, 1e6);

    expectBatch(await computeBasis(await momentsOf(rows, 70), 4, loopKernel), rows, 4);
  });

  test("continues its previous version in number, signs and subspace", async () => {
    const rows = rowsWithGaps(400, 70, 6, 6);
    const half = await momentsOf(rows.subarray(0, 200 * 70), 70);
    const first = await computeBasis(half, 4, loopKernel);
    const negated: Basis = { ...first, components: first.components.map((loading) => -loading) };

    const second = await computeBasis(await momentsOf(rows, 70), 4, loopKernel, negated);

    expect([first.version, second.version]).toEqual([1, 2]);
    for (let row = 0; row < 4; row++) {
      const [own, before] = [rowOf(second, row), rowOf(negated, row)];
      expect(own.reduce((sum, loading, column) => sum + loading * before[column]!, 0)).toBeGreaterThan(0.9);
    }
    expect(principalAngles(second, await computeBasis(await momentsOf(rows, 70), 4, loopKernel)).at(-1)).toBeLessThan(
      1e-9,
    );
  });

  test.each([{ dimensions: 4 }, { dimensions: 90 }])(
    "of fewer rows than components ($dimensions dimensions) is orthonormal and has no variance to spare",
    async ({ dimensions }) => {
      const rows = rowsWithGaps(2, dimensions, 2, 7);

      const basis = await computeBasis(await momentsOf(rows, dimensions), 4, loopKernel);

      expect(basis.explainedVariance[0]! / basis.totalVariance).toBeCloseTo(1, 12);
      expect([...basis.explainedVariance.slice(1)]).toEqual([0, 0, 0]);
      expectOrthonormal(basis);
    },
  );

  test.each([{ dimensions: 4 }, { dimensions: 90 }])(
    "of equal rows ($dimensions dimensions) is orthonormal without any variance, and projects them to zero",
    async ({ dimensions }) => {
      const rows = new Float32Array(10 * dimensions).fill(0.1);

      const basis = await computeBasis(await momentsOf(rows, dimensions), 3, loopKernel);

      expect(basis).toMatchObject({ totalVariance: 0, converged: true, residual: 0 });
      expect([...basis.explainedVariance, ...basis.explainedVarianceRatio]).toEqual([0, 0, 0, 0, 0, 0]);
      expectOrthonormal(basis);
      expect(project(basis, rows).every((value) => value === 0)).toBe(true);
    },
  );

  test("with as many components as dimensions explains everything", async () => {
    await fc.assert(
      fc.asyncProperty(cutRows(), async ({ rows, dimensions }) => {
        const basis = await computeBasis(await momentsOf(rows, dimensions), dimensions, loopKernel);

        const explained = basis.explainedVarianceRatio.reduce((sum, ratio) => sum + ratio, 0);
        expect(explained).toBeCloseTo(basis.totalVariance > 0 ? 1 : 0, 10);
        expectOrthonormal(basis);
      }),
    );
  });

  test.each([
    { dimensions: 12, before: 2, k: 5 },
    { dimensions: 12, before: 5, k: 2 },
    { dimensions: 80, before: 2, k: 5 },
    { dimensions: 80, before: 30, k: 4 },
  ])(
    "of $k components continues one of $before, of $dimensions dimensions, as far as they overlap",
    async ({ dimensions, before, k }) => {
      const rows = rowsWithGaps(300, dimensions, 8, 12);
      const moments = await momentsOf(rows, dimensions);
      const first = await computeBasis(moments, Math.min(before, dimensions), loopKernel);
      const negated: Basis = { ...first, components: first.components.map((loading) => -loading) };

      const second = await computeBasis(moments, k, loopKernel, negated);

      expectBatch(second, rows, k);
      expect([second.version, second.componentCount]).toEqual([2, k]);
      for (let row = 0; row < Math.min(before, k); row++) {
        const [own, earlier] = [rowOf(second, row), rowOf(negated, row)];
        expect(own.reduce((sum, loading, column) => sum + loading * earlier[column]!, 0)).toBeCloseTo(1, 10);
      }
    },
  );

  test("lets the event loop turn while it is computed", async () => {
    const moments = await momentsOf(rowsWithGaps(40, 700, 30, 13), 700);
    await using opened = new AsyncDisposableStack();
    const kernel = opened.adopt(await openMatrixKernel(1), ({ release }) => release());
    let turns = 0;
    const counting = setInterval(() => turns++, 0);
    const computing = computeBasis(moments, 8, kernel);
    const turnsBefore = turns;
    const basis = await computing;
    clearInterval(counting);

    expect(basis.converged).toBe(true);
    expect(turns).toBeGreaterThan(turnsBefore);
  });

  test("shares no memory with the moments", async () => {
    const moments = await momentsOf(rowsWithGaps(10, 4, 4, 8), 4);
    const basis = await computeBasis(moments, 2, loopKernel);
    const mean = [...basis.mean];

    moments.mean.fill(99);

    expect([...basis.mean]).toEqual(mean);
  });

  test("can't be computed from what does not determine it", async () => {
    const moments = await momentsOf(Float32Array.of(1, 2, 3, 4), 2);
    const one = await momentsOf(Float32Array.of(1, 2), 2);
    const wide = await computeBasis(await momentsOf(rowsWithGaps(9, 3, 3, 9), 3), 1, loopKernel);

    await expect(computeBasis(one, 1, loopKernel)).rejects.toThrow("a basis needs at least 2 rows, got 1");
    await expect(computeBasis(emptyMoments(2), 1, loopKernel)).rejects.toThrow("a basis needs at least 2 rows, got 0");
    for (const k of [0, 3, 1.5]) {
      await expect(computeBasis(moments, k, loopKernel)).rejects.toThrow("k must be an integer of 1 to 2");
    }
    await expect(computeBasis(moments, 1, loopKernel, wide)).rejects.toThrow(
      "the previous basis has 3 dimensions, the rows have 2",
    );
  });
});

describe("a projection", () => {
  test.each([1, 3, 4, 5, 8, 9])(
    "on %i components is that of the batch oracle, for rows of the basis and others",
    async (k) => {
      const rows = rowsWithGaps(50, 9, 9, 10, 3);
      const basis = await computeBasis(await momentsOf(rows, 9), k, loopKernel);

      for (const some of [rows, rowsWithGaps(7, 9, 5, 11), new Float32Array()]) {
        const centred = Matrix.from1DArray(some.length / 9, 9, some).subRowVector(basis.mean);
        const expected = centred.mmul(Matrix.from1DArray(k, 9, basis.components).transpose()).to1DArray();
        const actual = project(basis, some);
        expect(actual.length).toBe(expected.length);
        for (const [index, value] of expected.entries()) {
          expect(Math.abs(actual[index]! - value)).toBeLessThanOrEqual(1e-7 * Math.abs(value) + 1e-9);
        }
      }
    },
  );

  test("refuses a ragged row", async () => {
    const basis = await computeBasis(await momentsOf(Float32Array.of(1, 2, 3, 4), 2), 1, loopKernel);

    expect(() => project(basis, Float32Array.of(1, 2, 3))).toThrow("3 values are no whole number of rows of 2");
  });
});

function rowOf({ components, dimensions }: Basis, row: number): Float64Array {
  return components.subarray(row * dimensions, (row + 1) * dimensions);
}

function expectBatch(basis: Basis, rows: Float32Array, k: number): void {
  const oracle = batchPca(rows, basis.dimensions, k);
  expect(basis.converged).toBe(true);
  expect(principalAngles(basis, oracle).at(-1)).toBeLessThan(1e-8);
  expect(Math.abs(basis.totalVariance / oracle.totalVariance - 1)).toBeLessThan(1e-11);
  for (const [index, variance] of oracle.explainedVariance.entries()) {
    expect(Math.abs(basis.explainedVariance[index]! / variance - 1)).toBeLessThan(1e-10);
    expect(basis.explainedVarianceRatio[index]).toBeCloseTo(variance / oracle.totalVariance, 11);
  }
}

function expectSame(actual: Basis, expected: Basis): void {
  for (const name of ["components", "mean", "explainedVariance", "explainedVarianceRatio"] as const) {
    for (const [index, value] of expected[name].entries()) {
      expect(Math.abs(actual[name][index]! - value)).toBeLessThan(1e-8);
    }
  }
}

function expectOrthonormal(basis: Basis): void {
  const rows = Matrix.from1DArray(basis.componentCount, basis.dimensions, basis.components);
  expect(rows.mmul(rows.transpose()).sub(Matrix.eye(basis.componentCount)).abs().max()).toBeLessThan(1e-12);
}
