import { beforeEach, expect, it } from "vitest";
import { readCommit } from "#lib/table/delta/delta-log.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { dropRepeats } from "#lib/table/operations/drop-repeats.ts";
import { photoRow } from "../photo-rows.ts";
import { allRows, append, MaintainedTable } from "./maintained-table.ts";

let world: MaintainedTable;
let table: DeltaTable;
beforeEach(async () => {
  world = new MaintainedTable();
  table = await world.open();
});

const photo = (sourceOffset: number, name: string, changes = {}) =>
  photoRow({ sourceOffset, path: `s3://photos/${name}.jpg`, ingestedAtMs: 1_000_000 + sourceOffset, ...changes });

it("leaves of each photo version the row that was announced first, in whichever file it is", async () => {
  await append(table, [photo(3, "a"), photo(4, "b"), photo(5, "a")]);
  await append(table, [photo(1, "a"), photo(2, "c")]);
  expect(await dropRepeats(table)).toMatchObject({ rows: 2, rewrittenFiles: 1 });
  expect((await allRows(table)).map((row) => row.source_offset)).toEqual([1, 2, 4]);
  const commit = (await readCommit(table, table.snapshot.version))!;
  expect(commit.commitInfo).toMatchObject({ operation: "DELETE", operationMetrics: { numDeletedRows: "2" } });
  expect([...commit.adds, ...commit.removes].every(({ dataChange }) => dataChange)).toBe(true);
});

it("finds the same whatever part of the rows it holds at a time", async () => {
  for (const name of ["a", "b", "c", "d", "a", "c", "e", "a"]) {
    await append(table, [photo(table.snapshot.version, name)]);
  }
  expect(await dropRepeats(table, { rowsHeldMax: 2 })).toMatchObject({ rows: 3 });
  expect(await allRows(table)).toHaveLength(5);
});

it("commits nothing where there is no repeat: other etags, runs and models are other rows", async () => {
  await append(table, [photo(1, "a"), photo(2, "a", { photoEtag: "other" })]);
  await append(table, [photo(3, "a", { run: "replay-1" }), photo(4, "a", { model: "resnet18-00000000" })]);
  const { version } = table.snapshot;
  expect(await dropRepeats(table)).toEqual({ rows: 0, rewrittenFiles: 0, writtenBytes: 0 });
  expect(table.snapshot.version).toBe(version);
});

it("removes nothing when the row that would stay was deleted meanwhile", async () => {
  const [first] = await append(table, [photo(1, "a")]);
  await append(table, [photo(2, "a"), photo(3, "b")]);
  const other = await world.open();
  const put = world.store.put;
  const racing = Object.assign(world.store, {
    put: async (...args: Parameters<typeof put>) => {
      racing.put = put;
      const reads = { planned: other.plan() };
      const operation = { name: "DELETE", parameters: {} };
      await other.transact({ commitId: "delete", operation, reads, removes: [first!], adds: [] });
      return put(...args);
    },
  });
  expect(await dropRepeats(table)).toMatchObject({ rows: 0, conflict: "ConcurrentDeleteRead" });
  expect((await allRows(table)).map((row) => row.source_offset)).toEqual([2, 3]);
});
