import { describe, expect, it } from "vitest";
import { POINTS_MAX, PointSample } from "#analysis/plot/point-sample.ts";

function sampleOf(rows: number): PointSample {
  const sample = new PointSample();
  for (let row = 0; row < rows; row++) sample.offer({ x: row, y: -row, label: row % 3 === 0 ? "third" : null });
  return sample;
}

describe("a sample of points", () => {
  it("has all of them, in their order, while there is room", () => {
    const { points, rows, rowsByLabel } = sampleOf(10);
    expect(points.map(({ x }) => x)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(rows).toBe(10);
    expect(rowsByLabel).toEqual(
      new Map([
        ["third", 4],
        [null, 6],
      ]),
    );
  });

  it("has as many as there is room for, of all parts alike, none twice; and counts all rows", () => {
    const { points, rows } = sampleOf(3 * POINTS_MAX);
    expect({ rows, points: new Set(points.map(({ x }) => x)).size }).toEqual({
      rows: 3 * POINTS_MAX,
      points: POINTS_MAX,
    });
    const early = points.filter(({ x }) => x < POINTS_MAX).length;
    expect(Math.abs(early / POINTS_MAX - 1 / 3)).toBeLessThan(0.03);
  });
});
