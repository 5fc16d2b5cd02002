import { beforeEach, expect, it } from "vitest";
import { readLastCheckpoint } from "#lib/table/delta/checkpoint.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { type MaintenanceStep, maintainTable } from "#lib/table/operations/maintain-table.ts";
import { readHistory } from "#lib/table/operations/read-history.ts";
import { tableObject } from "#lib/table/table-location.ts";
import { photoRow } from "../photo-rows.ts";
import { LOCATION } from "../table-fixtures.ts";
import { allRows, append, COMPACTION, DAY_MS, HOUR_MS, MaintainedTable } from "./maintained-table.ts";

const OPTIONS = { ...COMPACTION, repeatsEveryMs: DAY_MS, vacuumEveryMs: HOUR_MS };

let world: MaintainedTable;
let table: DeltaTable;
beforeEach(async () => {
  world = new MaintainedTable();
  table = await world.open();
});

it("compacts, drops repeats, writes a checkpoint and vacuums, each when it is due", async () => {
  for (const sourceOffset of [0, 1, 2])
    await append(table, [photoRow({ sourceOffset, path: `s3://photos/${sourceOffset % 2}.jpg` })]);
  world.wait(HOUR_MS);
  const first = await maintainTable(table, OPTIONS);
  expect(first).toMatchObject({
    compaction: { removedFiles: 3 },
    repeats: { rows: 1 },
    vacuum: { keptFiles: 4 },
    files: 1,
  });
  expect(await allRows(table)).toHaveLength(2);

  const steps: MaintenanceStep[] = [];
  await maintainTable(table, OPTIONS, { onStep: (step) => steps.push(step) });
  expect(steps).toEqual(["compact", "checkpoint", "log"]);
  world.wait(HOUR_MS);
  expect(await maintainTable(table, OPTIONS)).toMatchObject({ vacuum: { files: 0 } });
  world.wait(8 * DAY_MS);
  expect(await maintainTable(table, OPTIONS)).toMatchObject({ repeats: { rows: 0 }, vacuum: { files: 4 } });
});

it("writes the checkpoint that a writer has failed to write", async () => {
  for (let sourceOffset = 0; sourceOffset < 11; sourceOffset++) await append(table, [photoRow({ sourceOffset })]);
  for (const name of ["_last_checkpoint", "00000000000000000010.checkpoint.parquet"]) {
    await world.store.delete(tableObject(LOCATION, `_delta_log/${name}`));
  }
  expect(await maintainTable(table, OPTIONS)).toMatchObject({ checkpoint: 11 });
  expect(await readLastCheckpoint(table)).toMatchObject({ version: 11 });
  expect((await maintainTable(table, OPTIONS)).checkpoint).toBeUndefined();
});

it("looks through the table once more when its own record is damaged", async () => {
  await append(table, [photoRow()]);
  await maintainTable(table, OPTIONS);
  await world.store.put(tableObject(LOCATION, "_fruitstream/maintenance.json"), Buffer.from("{"));
  expect(await maintainTable(table, OPTIONS)).toHaveProperty("vacuum");
});

it("shows in the history what was done, the newest first", async () => {
  for (const sourceOffset of [0, 1]) await append(table, [photoRow({ sourceOffset })]);
  world.wait(HOUR_MS);
  await maintainTable(table, OPTIONS);
  expect(await readHistory(table, 3)).toMatchObject([
    { version: 3, operation: "OPTIMIZE", addedFiles: 1, removedFiles: 2, dataChange: false },
    { version: 2, operation: "STREAMING UPDATE", addedFiles: 1, removedFiles: 0, dataChange: true },
    { version: 1 },
  ]);
});
