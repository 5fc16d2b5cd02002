import { expect, test } from "vitest";
import { formatProperties } from "#stack/java-properties.ts";

test("one line for each property", () => {
  expect(formatProperties({ "node.id": 1, "log.dirs": "/a b/c", on: true })).toBe(
    "node.id=1\nlog.dirs=/a b/c\non=true\n",
  );
});

test.each([
  ["C:\\data", "C:\\\\data"],
  [" a", "\\ a"],
  ["/déjà/🍎", "/d\\u00e9j\\u00e0/\\ud83c\\udf4e"],
  ["two\nlines", "two\\u000alines"],
])("%j is written as %s", (value, escaped) => {
  expect(formatProperties({ key: value })).toBe(`key=${escaped}\n`);
});
