import { expect, test } from "vitest";
import { parseLetterPosition } from "#ops/dead-letters/placed-letter.ts";

test("a letter's position is what the list shows", () => {
  expect(parseLetterPosition("0:17")).toEqual({ partition: 0, offset: 17 });
});

test.each(["", "17", "0:1,1:2", "0:-1", "a:b"])("%j is none", (text) => {
  expect(() => parseLetterPosition(text)).toThrow(
    `a letter's position is partition:offset, as list shows it; got "${text}"`,
  );
});
