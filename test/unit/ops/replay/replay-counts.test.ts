import { expect, test } from "vitest";
import { totalOf, unaccountedOf } from "#ops/replay/replay-counts.ts";

test("records of which nothing became are counted", () => {
  const counts = { records: 10, rows: 6, known: 0, repeats: 3, deadLetters: 1, forgotten: 0, markers: 0 };
  expect(unaccountedOf(counts)).toBe(0);
  expect(unaccountedOf({ ...counts, rows: 4 })).toBe(2);
  expect(unaccountedOf({ ...counts, markers: 1 })).toBe(-1);
});

test("a range's length is what it leaves to replay", () => {
  expect(
    totalOf([
      { from: 2, to: 5 },
      { from: 4, to: 4 },
    ]),
  ).toBe(3);
});
