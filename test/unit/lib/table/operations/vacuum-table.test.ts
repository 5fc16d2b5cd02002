import { beforeEach, expect, it } from "vitest";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { compactTable } from "#lib/table/operations/compact-table.ts";
import { vacuumTable } from "#lib/table/operations/vacuum-table.ts";
import { tableObject } from "#lib/table/table-location.ts";
import { photoRow } from "../photo-rows.ts";
import { LOCATION, setProperty } from "../table-fixtures.ts";
import { allRows, append, COMPACTION, DAY_MS, HOUR_MS, MaintainedTable } from "./maintained-table.ts";

let world: MaintainedTable;
let table: DeltaTable;
beforeEach(async () => {
  world = new MaintainedTable();
  table = await world.open();
  for (const sourceOffset of [0, 1]) await append(table, [photoRow({ sourceOffset })]);
  world.wait(HOUR_MS);
  await compactTable(table, COMPACTION);
});

it("deletes what was removed, once it is older than the table keeps it", async () => {
  world.wait(7 * DAY_MS - 1_000);
  expect(await vacuumTable(table)).toMatchObject({ files: 0, keptFiles: 2, retentionMs: 7 * DAY_MS });
  world.wait(2_000);
  const dry: string[] = [];
  const isDryRun = true;
  expect(await vacuumTable(table, { isDryRun, onFile: ({ path }) => dry.push(path) })).toMatchObject({ files: 2 });
  expect(await dataFiles()).toHaveLength(3);
  const gone: string[] = [];
  expect(await vacuumTable(table, { onFile: ({ path }) => gone.push(path) })).toMatchObject({ files: 2, keptFiles: 0 });
  expect(gone).toEqual(dry);
  expect(await dataFiles()).toEqual([...table.snapshot.files.keys()]);
  expect(await allRows(await world.open())).toHaveLength(2);
});

it("deletes what no version has named, but nothing that a writer may have in hand", async () => {
  const orphan = tableObject(LOCATION, "model=m/run=live/dt=2026-03-01/part-orphan.parquet");
  await world.store.put(orphan, Buffer.from("lost a race"));
  await setProperty(table, "delta.deletedFileRetentionDuration", "interval 0 seconds");
  world.wait(1);
  // The memory store's times are the real ones, an hour behind this clock.
  expect(await vacuumTable(await world.open())).toMatchObject({ files: 3, keptFiles: 0 });
  await world.store.put(orphan, Buffer.from("in hand"));
  const now = {
    ...table,
    clock: { ...world.clock, nowMs: () => Date.now() + HOUR_MS - 60_000 },
    store: world.store,
    location: LOCATION,
    logger: table.logger,
  };
  expect(await vacuumTable(now)).toMatchObject({ files: 0, keptFiles: 1 });
});

it("touches neither the log nor what is kept beside the table", async () => {
  for (const path of ["_fruitstream/bases/model=m/run=live/000001.json", "_other/file", "dt=1/.hidden"]) {
    await world.store.put(tableObject(LOCATION, path), Buffer.from("{}"));
  }
  const before = await objects();
  world.wait(3_650 * DAY_MS);
  await vacuumTable(table);
  const after = new Set(await objects());
  expect(before.filter((key) => !after.has(key))).toHaveLength(2);
  expect(before.filter((key) => !after.has(key)).every((key) => /\/part-[^/]*$/.test(key))).toBe(true);
});

it("keeps a file that RESTORE has added again", async () => {
  const [removed] = [
    ...(
      await import("#lib/table/delta/read-snapshot.ts").then(({ readSnapshot }) => readSnapshot(table))
    ).tombstones.keys(),
  ];
  const restored = { ...[...table.snapshot.files.values()][0]!, path: removed! };
  await table.transact({ commitId: "restore", operation: { name: "RESTORE", parameters: {} }, adds: [restored] });
  world.wait(8 * DAY_MS);
  await vacuumTable(table);
  expect(await dataFiles()).toContain(removed);
});

async function objects(): Promise<string[]> {
  const keys = [];
  for await (const { key } of world.store.list(LOCATION.bucket, LOCATION.prefix)) keys.push(key);
  return keys;
}

async function dataFiles(): Promise<string[]> {
  const root = tableObject(LOCATION, "").key.length;
  return (await objects()).map((key) => key.slice(root)).filter((path) => path.startsWith("model="));
}
