import { expect, test } from "vitest";
import { requireOffsets, TableProgress } from "#lib/table/table-progress.ts";

const URI = "s3://tables/photos";
const files = new Map([["a.parquet", {}]]);

test("a table with rows and no offset is refused, whatever else was noted in it", () => {
  const noted = new Map([["fruitstream/high-water/live/photos/0", 7]]);
  expect(() => requireOffsets({ files, txnVersions: noted }, URI)).toThrow(
    /s3:\/\/tables\/photos has rows, and no offset/,
  );
  expect(() => requireOffsets({ files: new Map(), txnVersions: noted }, URI)).not.toThrow();
  const offset = new Map([[new TableProgress("features", new Map()).offsetAppId(3), 7]]);
  expect(() => requireOffsets({ files, txnVersions: offset }, URI)).not.toThrow();
});
