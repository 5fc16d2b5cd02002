import { execFileSync, spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { openTable } from "#lib/table/open-table.ts";
import { PHOTO_COLUMNS } from "#lib/table/photo-columns.ts";
import { exportTable } from "#lib/table/table-export.ts";
import { writeRows } from "#lib/table/table-files.ts";
import { LATER_COLUMNS } from "../unit/lib/table/added-column.ts";
import { photoRow } from "../unit/lib/table/photo-rows.ts";
import { emptyStore, LOCATION, requestOf } from "../unit/lib/table/table-fixtures.ts";

/** An interpreter with the packages of `requirements.txt`. */
const python = process.env.FRUITSTREAM_PYTHON ?? "python3";
const hasReaders = spawnSync(python, ["-c", "import deltalake, duckdb, pyarrow"]).status === 0;
if (!hasReaders) {
  console.warn(`SKIPPED test/interop: ${python} lacks deltalake, duckdb or pyarrow; set FRUITSTREAM_PYTHON`);
}

/** In turn, as while reducers are upgraded one by one: whether the writer of the next commit knows the new column. */
const WRITERS = [false, true, false, true];

describe.skipIf(!hasReaders)("a table that got a column after its first files, as other tools read it", () => {
  const expected = WRITERS.map((isLater, offset) => [offset, isLater ? `camera ${offset}` : null]);
  let folder: string;
  let table: DeltaTable;
  // biome-ignore lint/suspicious/noExplicitAny: what the script prints is what is being tested.
  let seen: any;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "added-column-"));
    const store = emptyStore();
    const before = await openTable(store, LOCATION, { createIfAbsent: true, columns: PHOTO_COLUMNS });
    const later = await openTable(store, LOCATION, { createIfAbsent: true, columns: LATER_COLUMNS });
    for (const [sourceOffset, isLater] of WRITERS.entries()) {
      table = isLater ? later : before;
      const adds = await writeRows(table, [photoRow({ sourceOffset })]);
      await table.commit(requestOf(table, [`app ${sourceOffset}`], adds));
    }
    await exportTable(table, join(folder, "table"));
    const script = fileURLToPath(new URL("./read_added_column.py", import.meta.url));
    seen = JSON.parse(execFileSync(python, [script, join(folder, "table")]).toString());
  });
  afterAll(() => rm(folder, { recursive: true }));

  it.each(["delta", "duckdb", "duckdb_over_delta", "pyarrow"])("has null where a file lacks it (%s)", (reader) => {
    expect(seen[reader]).toEqual(expected);
  });

  it("is the same table, with one more column of the type that was meant", () => {
    expect(seen).toMatchObject({ table_id: table.snapshot.metadata.id, column_type: "string" });
    expect(seen.columns).toEqual([...seen.columns_before, "camera_model"]);
  });

  it("can be filtered by it", () => {
    expect(seen).toMatchObject({ with_camera: 2, without_camera: 2, camera_1: 1 });
  });

  it("is compacted by delta-rs without losing it", () => {
    expect(seen.compacted).toEqual({ files: 1, rows: expected });
  });
});
