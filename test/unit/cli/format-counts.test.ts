import { expect, test } from "vitest";
import { formatCounts } from "#cli/format-counts.ts";

const counts = { records: 10, rows: 6, known: 0, repeats: 3, deadLetters: 1, forgotten: 0, markers: 0 };

test("counts that add up are told, and nothing else", () => {
  expect(formatCounts("photos", counts).split("\n")).toEqual([
    "photos           10",
    "rows added       6",
    "repeats dropped  3",
    "dead letters     1",
  ]);
});

test("photos that the run has by other announcements are told where there are some", () => {
  expect(formatCounts("photos", { ...counts, rows: 4, known: 2 }).split("\n")).toContain("known already    2");
});

test("photos that are forgotten are told where there are some", () => {
  const some = formatCounts("vectors", { ...counts, rows: 4, forgotten: 2 });
  expect(some.split("\n")).toContain("forgotten        2");
  expect(some).not.toContain("neither");
});

test("what is missing or double is told", () => {
  expect(formatCounts("photos", { ...counts, rows: 4 })).toMatch(/\n2 photos are neither/);
  expect(formatCounts("vectors", { ...counts, rows: 7 })).toMatch(/\n1 vectors count twice/);
});
