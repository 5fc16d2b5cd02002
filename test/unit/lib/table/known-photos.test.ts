import { expect, test } from "vitest";
import { readKnownPhotos } from "#lib/table/known-photos.ts";
import { openTable } from "#lib/table/open-table.ts";
import { writeRows } from "#lib/table/table-files.ts";
import { photoRow } from "./photo-rows.ts";
import { emptyStore, LOCATION, requestOf } from "./table-fixtures.ts";

test("photos of a run under a prefix are known by path and etag, and files that can have none of them are not read", async () => {
  const store = emptyStore();
  const read: string[] = [];
  const table = await openTable(
    {
      ...store,
      get: (object, options) => {
        read.push(object.key);
        return store.get(object, options);
      },
    },
    LOCATION,
    { createIfAbsent: true },
  );
  const rowsOf = (run: string, paths: readonly string[]) =>
    paths.map((path, index) =>
      photoRow({ run, path: `s3://photos/${path}`, photoEtag: `${path}-etag`, sourceOffset: index }),
    );
  const files = [];
  for (const rows of [
    rowsOf("live", ["a/1.jpg", "b/1.jpg", "c/1.jpg"]),
    rowsOf("live", ["a/2.jpg", "a/3.jpg"]),
    rowsOf("live", ["c/2.jpg"]),
    rowsOf("again", ["b/2.jpg"]),
    rowsOf("live", ["b/3.jpg", "b/a name that is longer than the statistics keep of it.jpg"]),
  ]) {
    files.push(...(await writeRows(table, rows)));
  }
  await table.commit(requestOf(table, [], files));

  read.length = 0;
  const known = await readKnownPhotos(table, "live", "s3://photos/b/");
  expect(read.length).toBe(2);
  expect(known.count).toBe(3);
  const has = (path: string, etag = `${path}-etag`) => known.has({ path: `s3://photos/${path}`, etag });
  expect(has("b/1.jpg")).toBe(true);
  expect(has("b/a name that is longer than the statistics keep of it.jpg")).toBe(true);
  expect([has("b/1.jpg", "other"), has("b/2.jpg"), has("a/1.jpg")]).toEqual([false, false, false]);
});
