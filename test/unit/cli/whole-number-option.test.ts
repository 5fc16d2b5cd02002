import { expect, test } from "vitest";
import { wholeNumberOption } from "#cli/whole-number-option.ts";

const parse = wholeNumberOption(1, 4_032);

test.each([
  ["1", 1],
  ["4032", 4_032],
  ["007", 7],
])("takes %s", (text, value) => {
  expect(parse(text)).toBe(value);
});

test.each(["0", "4033", "-1", "1.5", "1e2", "", " 1", "many"])("refuses %j with the bounds", (text) => {
  expect(() => parse(text)).toThrow("must be a whole number from 1 to 4032");
});
