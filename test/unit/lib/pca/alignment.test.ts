import { describe, expect, test } from "vitest";
import { alignComponents } from "#lib/pca/alignment.ts";

const eigenpairs = (values: number[], rows: number[][]) => ({
  values: Float64Array.from(values),
  vectors: Float64Array.from(rows.flat()),
  residual: 0,
  converged: true,
  products: 0,
});

const subspace = (rows: number[][]) => ({ dimensions: rows[0]!.length, components: Float64Array.from(rows.flat()) });

describe("aligned components", () => {
  test("of a first version have a positive largest loading", () => {
    const aligned = alignComponents(
      eigenpairs(
        [2, 1],
        [
          [0.6, -0.8],
          [-0.8, -0.6],
        ],
      ),
      2,
    );

    expect([...aligned]).toEqual([-0.6, 0.8, 0.8, 0.6]);
  });

  test("whose largest loadings are equal to rounding are signed by the first of them", () => {
    const half = Math.SQRT1_2;

    for (const slightly of [-1e-15, 1e-15]) {
      expect(alignComponents(eigenpairs([1], [[-half, half + slightly]]), 2)[0]).toBeGreaterThan(0);
    }
  });

  test("take the sign of the earlier component they resemble most, wherever it stands", () => {
    const previous = subspace([
      [-1, 0, 0],
      [0, -1, 0],
    ]);

    const aligned = alignComponents(
      eigenpairs(
        [2, 1],
        [
          [0, 1, 0],
          [0.6, 0, 0.8],
        ],
      ),
      3,
      previous,
    );

    expect([...aligned]).toEqual([-0, -1, -0, -0.6, -0, -0.8]);
  });

  test("that resemble no earlier one are signed as in a first version", () => {
    const aligned = alignComponents(eigenpairs([1], [[0.1, -Math.sqrt(0.99)]]), 2, subspace([[1, 0]]));

    expect(aligned[1]).toBeGreaterThan(0);
  });

  test("keep the order of their variances when these differ", () => {
    const previous = subspace([
      [1, 0],
      [0, 1],
    ]);

    expect([
      ...alignComponents(
        eigenpairs(
          [1.001, 1],
          [
            [0, 1],
            [1, 0],
          ],
        ),
        2,
        previous,
      ),
    ]).toEqual([0, 1, 1, 0]);
  });

  test("keep the previous order within a tie", () => {
    const previous = subspace([
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ]);
    const rows = [
      [0, 0, 1],
      [0, 1, 0],
      [-1, 0, 0],
    ];

    expect([...alignComponents(eigenpairs([3, 1 + 1e-9, 1], rows), 3, previous)]).toEqual([
      0, 0, 1, 0, 1, 0, 1, -0, -0,
    ]);
    expect([...alignComponents(eigenpairs([1 + 2e-9, 1 + 1e-9, 1], rows), 3, previous)]).toEqual([
      1, -0, -0, 0, 1, 0, 0, 0, 1,
    ]);
    expect([...alignComponents(eigenpairs([0, 0, 0], rows), 3, previous)]).toEqual([1, -0, -0, 0, 1, 0, 0, 0, 1]);
  });

  test("may be more than the previous version had", () => {
    const aligned = alignComponents(
      eigenpairs(
        [1, 1, 1],
        [
          [0, 1, 0],
          [0, 0, 1],
          [1, 0, 0],
        ],
      ),
      3,
      subspace([[1, 0, 0]]),
    );

    expect([...aligned]).toEqual([1, 0, 0, 0, 1, 0, 0, 0, 1]);
  });
});
