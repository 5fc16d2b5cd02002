import fc from "fast-check";
import { expect, test } from "vitest";
import { quantile, summarise } from "#bench/measure/statistics.ts";

const values = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 50 });

test("the median of an odd number of rounds is the middle one, of an even number the mean of both", () => {
  expect(summarise([3, 1, 2]).median).toBe(2);
  expect(summarise([4, 1, 2, 3]).median).toBe(2.5);
});

test("a summary keeps the rounds in their order", () => {
  expect(summarise([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3, rounds: [3, 1, 2] });
});

test("quantiles are interpolated as in NumPy's default", () => {
  expect(quantile([10, 20, 30, 40], 0.25)).toBeCloseTo(17.5, 12);
  expect(quantile([10, 20, 30, 40], 0.99)).toBeCloseTo(39.7, 12);
});

test("a quantile lies within the values, and a larger one is never smaller", () => {
  fc.assert(
    fc.property(
      values,
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (all, p, q) => {
        const [low, high] = [quantile(all, Math.min(p, q)), quantile(all, Math.max(p, q))];
        const rounding = 1e-9 * Math.max(...all.map(Math.abs));
        expect(low).toBeGreaterThanOrEqual(Math.min(...all) - rounding);
        expect(high).toBeLessThanOrEqual(Math.max(...all) + rounding);
        expect(low).toBeLessThanOrEqual(high + rounding);
      },
    ),
  );
});

test("without any value there is no quantile", () => {
  expect(() => quantile([], 0.5)).toThrow(RangeError);
});
