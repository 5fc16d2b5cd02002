import { expect, it } from "vitest";
import { kindOfFile, ProgressCount } from "#lib/intake/ingest-progress.ts";

it.each([
  ["a/b.HEIC", ".heic"],
  ["b.tar.gz", ".gz"],
  ["a.b/README", "without suffix"],
  ["a/.profile", "without suffix"],
  ["a/ends.", "without suffix"],
])("%s is of the kind %s", (path, kind) => {
  expect(kindOfFile(path)).toBe(kind);
});

it("counts what is skipped by kind, of a bounded number of kinds", () => {
  const count = new ProgressCount(() => undefined);
  for (let suffix = 0; suffix < 100; suffix++) count.skip(`.${suffix}`);
  count.skip(".3");
  const { skipped, skippedByKind } = count.progress;
  expect(skipped).toBe(101);
  expect(skippedByKind).toMatchObject({ ".3": 2, others: 76 });
  expect(Object.keys(skippedByKind)).toHaveLength(25);
});
