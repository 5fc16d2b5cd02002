import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { emptyMoments, foldMoments, type Moments, momentsOfRows } from "#lib/pca/moments.ts";
import { packedIndex } from "#lib/pca/packed-triangle.ts";
import { batchPca } from "./batch-pca.ts";
import { loopKernel } from "./loop-kernel.ts";
import { mergeMoments } from "./merge-moments.ts";
import { cutRows, partsOf, rowsWithGaps, shuffled } from "./random-rows.ts";

const momentsOf = (rows: Float32Array, dimensions: number) => momentsOfRows(rows, dimensions, loopKernel);

describe("moments", () => {
  test("of any split, merged in order or in reverse or as a tree, are those of all rows", async () => {
    await fc.assert(
      fc.asyncProperty(cutRows(), async (cut) => {
        const parts = await Promise.all(partsOf(cut).map((part) => momentsOf(part, cut.dimensions)));
        const { rows, dimensions } = cut;

        expectMoments(parts.reduce(mergeMoments), rows, dimensions);
        expectMoments(parts.toReversed().reduce(mergeMoments), rows, dimensions);
        expectMoments(mergeTree(parts), rows, dimensions);
      }),
    );
  });

  test("of shuffled rows are the same", async () => {
    const rows = rowsWithGaps(200, 12, 6, 1);

    for (const seed of [2, 3, 4]) expectMoments(await momentsOf(shuffled(rows, 12, seed), 12), rows, 12);
  });

  test("of more rows than a tile holds are the same", async () => {
    const rows = rowsWithGaps(2500, 3, 3, 5);

    expectMoments(await momentsOf(rows, 3), rows, 3);
  });

  test("stay accurate far from the origin", async () => {
    const rows = rowsWithGaps(300, 8, 4, 6, 1e6);
    const parts = [0, 1, 2, 3, 4, 5].map((part) => momentsOf(rows.subarray(part * 400, (part + 1) * 400), 8));

    expectMoments((await Promise.all(parts)).reduce(mergeMoments), rows, 8);
  });

  test("of constant columns have exactly no scatter", async () => {
    const rows = new Float32Array(3000 * 2).fill(0.1);

    const moments = mergeMoments(await momentsOf(rows, 2), await momentsOf(rows.subarray(0, 14), 2));

    expect([...moments.scatter]).toEqual([0, 0, 0]);
    expect(moments.mean[0]).toBe(rows[0]);
  });

  test("merged with those of no rows are the same bits", async () => {
    const moments = await momentsOf(rowsWithGaps(10, 4, 4, 7), 4);

    expect(mergeMoments(moments, emptyMoments(4))).toEqual(moments);
    expect(mergeMoments(emptyMoments(4), moments)).toEqual(moments);
  });

  test("change by folding only where rows are added", async () => {
    const a = await momentsOf(rowsWithGaps(10, 4, 4, 8), 4);
    const b = await momentsOf(rowsWithGaps(20, 4, 4, 9), 4);
    const bBefore = structuredClone(b);

    foldMoments(a, b);

    expect([a.count, b]).toEqual([30, bBefore]);
  });

  test("refuse what can't be theirs", async () => {
    const two = await momentsOf(Float32Array.of(1, 2, 3, 4), 2);

    await expect(momentsOf(Float32Array.of(1, 2, 3), 2)).rejects.toThrow("3 values are no whole number of rows of 2");
    await expect(momentsOf(Float32Array.of(1, Number.NaN, 3, 4), 2)).rejects.toThrow("dimension 1 holds a value");
    await expect(momentsOf(Float32Array.of(Infinity, 2, -Infinity, 4), 2)).rejects.toThrow("dimension 0 holds a value");
    expect(() => emptyMoments(0)).toThrow("dimensions must be a positive integer, got 0");
    expect(() => foldMoments(two, emptyMoments(3))).toThrow("of 2 and of 3 dimensions");
  });
});

function mergeTree(parts: readonly Moments[]): Moments {
  if (parts.length === 1) return parts[0]!;
  const half = parts.length >> 1;
  return mergeMoments(mergeTree(parts.slice(0, half)), mergeTree(parts.slice(half)));
}

function expectMoments(moments: Moments, rows: Float32Array, dimensions: number): void {
  const count = rows.length / dimensions;
  const { mean, covariance } = batchPca(rows, dimensions, 1);
  expect(moments.count).toBe(count);
  const magnitude = mean.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1);
  expectClose(moments.mean, mean, 1e-12 * magnitude);
  const actual = Float64Array.from(moments.scatter, (value) => value / (count - 1));
  const expected = new Float64Array(actual.length);
  for (let row = 0; row < dimensions; row++) {
    for (let column = row; column < dimensions; column++) {
      expected[packedIndex(row, column, dimensions)] = covariance.get(row, column);
    }
  }
  expectClose(actual, expected, 1e-12 * covariance.trace());
}

function expectClose(actual: Float64Array, expected: Float64Array, tolerance: number): void {
  expect(actual).toHaveLength(expected.length);
  const differences = expected.map((value, index) => Math.abs(actual[index]! - value));
  // Of any that is no number, the largest is none either.
  expect(differences.reduce((largest, difference) => Math.max(largest, difference), 0)).toBeLessThanOrEqual(tolerance);
}
