import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fitStandardisation, standardise } from "#analysis/classify/learning/standardisation.ts";

const matrices = fc.integer({ min: 1, max: 6 }).chain((dimensions) => {
  const row = fc.array(fc.integer({ min: -50, max: 50 }), { minLength: dimensions, maxLength: dimensions });
  return fc.array(
    row.map((values) => Float32Array.from(values)),
    { minLength: 1, maxLength: 20 },
  );
});

describe("standardised rows", () => {
  it("have mean 0 and the same variance in every feature that varies, and a mean squared norm of 1", () => {
    fc.assert(
      fc.property(matrices, (rows) => {
        const scaled = standardise(fitStandardisation(rows), rows);
        const varying = [...rows[0]!.keys()].filter((column) => rows.some((row) => row[column] !== rows[0]![column]));
        for (const column of rows[0]!.keys()) {
          const values = scaled.map((row) => row[column]!);
          expect(meanOf(values)).toBeCloseTo(0, 5);
          const variance = varying.includes(column) ? 1 / varying.length : 0;
          expect(meanOf(values.map((value) => value * value))).toBeCloseTo(variance, 5);
        }
        const norms = scaled.map((row) => row.reduce((sum, value) => sum + value * value, 0));
        expect(meanOf(norms)).toBeCloseTo(varying.length > 0 ? 1 : 0, 5);
      }),
    );
  });

  it("leave out a feature whose variance is float32's rounding", () => {
    const rows = [Float32Array.of(1000, 1), Float32Array.of(1000, 2)];
    expect(standardise(fitStandardisation(rows), rows)).toEqual([Float32Array.of(0, -1), Float32Array.of(0, 1)]);
  });

  it("are of the scale of the rows that it was fitted to, whichever rows they are", () => {
    const scale = fitStandardisation([Float32Array.of(0), Float32Array.of(2)]);
    expect(standardise(scale, [Float32Array.of(5)])).toEqual([Float32Array.of(4)]);
  });
});

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
