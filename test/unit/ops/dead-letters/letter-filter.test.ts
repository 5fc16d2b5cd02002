import { expect, test } from "vitest";
import { letterTest } from "#ops/dead-letters/letter-filter.ts";
import { letterAt } from "./dead-letter.ts";

const letter = letterAt(17);

test.each([
  [{}, [], true],
  [{ reason: "not-found" }, [], true],
  [{ reason: "corrupt-image" }, [], false],
  [{ since: "2026-01-31T12:00:00Z" }, [], true],
  [{ until: "2026-01-31T12:00:00Z" }, [], false],
  [{ since: "2026-01-31", until: "2026-02-01" }, [], true],
  [{ prefix: "s3://photos/apple/" }, [], true],
  [{ prefix: "apple/" }, [], true],
  [{ prefix: "pear/" }, [], false],
  [{ run: "live", reason: "corrupt-image" }, [], false],
  [{}, ["0:17", "0:18"], true],
  [{}, ["1:17"], false],
])("%j at %j admits the letter: %s", (flags, positions, expected) => {
  expect(letterTest(flags, positions)(letter)).toBe(expected);
});

test("a prefix can be asked of a letter that has neither URI nor key", () => {
  expect(letterTest({ prefix: "a" })(letterAt(1, { uri: null, originalKey: null }))).toBe(false);
});

test("what is no time or position is refused", () => {
  expect(() => letterTest({ since: "yesterday" })).toThrow(/--since must be a time/);
  expect(() => letterTest({}, ["17"])).toThrow(/a letter's position is partition:offset/);
  expect(() => letterTest({}, ["0:1,1:2"])).toThrow(/a letter's position is partition:offset/);
});
