import { expect, test } from "vitest";
import { describeCounts, totalOf } from "#ops/replay/replay-counts.ts";

const counts = { records: 10, rows: 6, repeats: 3, deadLetters: 1, markers: 0 };

test("counts that add up are told, and that they do", () => {
  const { text, addsUp } = describeCounts("photos", counts);
  expect(addsUp).toBe(true);
  expect(text.split("\n")).toHaveLength(4);
});

test("what is missing or double is told", () => {
  const missing = describeCounts("photos", { ...counts, rows: 4 });
  expect(missing.addsUp).toBe(false);
  expect(missing.text).toMatch(/\n2 photos are neither/);
  expect(describeCounts("vectors", { ...counts, rows: 7 }).text).toMatch(/\n1 vectors count twice/);
});

test("a range's length is what it leaves to replay", () => {
  expect(
    totalOf([
      { from: 2, to: 5 },
      { from: 4, to: 4 },
    ]),
  ).toBe(3);
});
