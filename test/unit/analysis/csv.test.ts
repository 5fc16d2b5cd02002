import { expect, it } from "vitest";
import { csvOf } from "#analysis/csv.ts";

it.each([
  ["=HYPERLINK(A1)", `"'=HYPERLINK(A1)"`],
  ["+cmd|'/c calc'!A0", `"'+cmd|'/c calc'!A0"`],
  ["-apple", `"'-apple"`],
  ["@SUM(A1)", `"'@SUM(A1)"`],
  ["\t=1", `"'\t=1"`],
  ["\r=1", `"'\r=1"`],
  ['=1,"2"', `"'=1,""2"""`],
])("a text that a spreadsheet would compute is shown: %j", (text, cell) => {
  expect(csvOf([[text, "x"]])).toBe(`${cell},x\n`);
});

it.each([
  [-1.5, "-1.5"],
  [-1e-7, "-1e-7"],
  ["-3", "-3"],
  ["+2.5E+3", "+2.5E+3"],
  ["apple", "apple"],
  ["a,b", '"a,b"'],
  ["a=b", "a=b"],
  [null, ""],
])("numbers and other texts stay as they are: %j", (value, cell) => {
  expect(csvOf([[value, "x"]])).toBe(`${cell},x\n`);
});
