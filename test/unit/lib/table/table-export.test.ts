import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openTable } from "#lib/table/open-table.ts";
import { exportTable } from "#lib/table/table-export.ts";
import { writeRows } from "#lib/table/table-files.ts";
import { photoRow } from "./photo-rows.ts";
import { accessOf, addOf, emptyStore, LOCATION, logName, putLogFile, requestOf } from "./table-fixtures.ts";

describe("an export", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "table-export-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it("has the log, the active files and the bases, byte for byte, and nothing else", async () => {
    const store = emptyStore();
    const table = await openTable(store, LOCATION, { createIfAbsent: true });
    for (let sourceOffset = 0; sourceOffset < 11; sourceOffset++) {
      await table.commit(requestOf(table, ["a"], await writeRows(table, [photoRow({ sourceOffset, run: "50 %" })])));
    }
    const [removed, ...active] = [...table.snapshot.files.keys()];
    await putLogFile(store, logName(12), JSON.stringify({ remove: { path: encodeURI(removed!), dataChange: true } }));
    await store.put(
      { bucket: LOCATION.bucket, key: `${LOCATION.prefix}/_fruitstream/moments/a` },
      Buffer.from("aside"),
    );
    const basis = "_fruitstream/bases/model=m/run=live/000001.json";
    await store.put({ bucket: LOCATION.bucket, key: `${LOCATION.prefix}/${basis}` }, Buffer.from("basis"));
    const summary = await exportTable(accessOf(store), folder);
    const copied = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
    const paths = copied.map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1)).sort();
    const log = Array.from({ length: 13 }, (_, version) => logName(version));
    expect(paths).toEqual(
      [
        ...[...log, logName(10, "checkpoint.parquet"), "_last_checkpoint"].map((name) => `_delta_log/${name}`),
        ...active,
        basis,
      ].sort(),
    );
    let bytes = 0;
    for (const path of paths) {
      const original = await store.get(
        { bucket: LOCATION.bucket, key: `${LOCATION.prefix}/${path}` },
        { bytesMax: 1e6 },
      );
      expect((await readFile(join(folder, path))).equals(original.bytes)).toBe(true);
      bytes += original.bytes.byteLength;
    }
    expect(summary).toEqual({ version: 12, files: 10, bytes });
  });

  it("is refused into a folder that is not empty", async () => {
    const store = emptyStore();
    await openTable(store, LOCATION, { createIfAbsent: true });
    await writeFile(join(folder, "mine"), "");
    await expect(exportTable(accessOf(store), folder)).rejects.toMatchObject({ code: "usage" });
  });

  it.each(["../outside.parquet", "s3://other/table/a.parquet", "/etc/outside.parquet/../../../.."])(
    "is refused for a table that names %s",
    async (path) => {
      const store = emptyStore();
      await openTable(store, LOCATION, { createIfAbsent: true });
      await putLogFile(store, logName(1), JSON.stringify({ add: addOf(path) }));
      await expect(exportTable(accessOf(store), folder)).rejects.toThrow(/lies outside/);
      expect(await readdir(folder)).toEqual([]);
    },
  );
});
