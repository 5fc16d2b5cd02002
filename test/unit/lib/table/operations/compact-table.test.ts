import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { BasisStore } from "#lib/table/basis-store.ts";
import type { AddFile } from "#lib/table/delta/actions.ts";
import { readCommit } from "#lib/table/delta/delta-log.ts";
import { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { readSnapshot } from "#lib/table/delta/read-snapshot.ts";
import { compactTable } from "#lib/table/operations/compact-table.ts";
import { readRows, writeRows } from "#lib/table/table-files.ts";
import { tableObject } from "#lib/table/table-location.ts";
import { propertyRuns } from "../../../../property-runs.ts";
import { type Loss, persist, scheduled } from "../delta/scheduled-store.ts";
import { photoRow } from "../photo-rows.ts";
import { LOCATION, warningsOf } from "../table-fixtures.ts";
import { basisOf } from "./basis-of.ts";
import { allRows, append, COMPACTION, HOUR_MS, MaintainedTable } from "./maintained-table.ts";

let world: MaintainedTable;
let table: DeltaTable;
beforeEach(async () => {
  world = new MaintainedTable();
  table = await world.open();
});

describe("compaction", () => {
  it("makes one file of a closed partition's, in a commit that changes no data", async () => {
    for (const sourceOffset of [0, 1, 2]) await append(table, [photoRow({ sourceOffset })]);
    const before = await allRows(table);
    world.wait(HOUR_MS);
    const summary = await compactTable(table, COMPACTION);
    expect(summary).toMatchObject({ commits: 1, removedFiles: 3, addedFiles: 1, conflicts: [], left: [] });
    expect(await allRows(await world.open())).toEqual(before);
    const { adds, removes, commitInfo, txns } = (await readCommit(table, 4))!;
    expect([...adds, ...removes].map(({ dataChange }) => dataChange)).toEqual([false, false, false, false]);
    expect(commitInfo).toMatchObject({ operation: "OPTIMIZE", isBlindAppend: false });
    expect(txns).toMatchObject([{ appId: "fruitstream/maintenance", version: 1 }]);
    expect(await compactTable(table, COMPACTION)).toMatchObject({ commits: 0 });
  });

  it("projects what it rewrites onto the newest basis of its model and run", async () => {
    const row = photoRow({ pcaVersion: 1 });
    await new BasisStore(table, row).publish(basisOf(8, 3, 4));
    for (const sourceOffset of [0, 1]) await append(table, [photoRow({ sourceOffset })]);
    world.wait(HOUR_MS);
    await compactTable(table, COMPACTION);
    expect((await allRows(table)).map((each) => each.pca_version)).toEqual([4, 4]);
  });

  it("leaves files that can't be read, and compacts all others", async () => {
    const { logger, warnings } = warningsOf();
    table = await world.open(logger);
    const [broken] = await append(table, [photoRow({ sourceOffset: 0 })]);
    for (const sourceOffset of [1, 2, 3, 4, 5]) await append(table, [photoRow({ sourceOffset })]);
    await world.store.put(tableObject(LOCATION, broken!.path), Buffer.alloc(broken!.size));
    world.wait(HOUR_MS);
    const summary = await compactTable(table, { ...COMPACTION, quietMs: 0 });
    expect(table.snapshot.files.size).toBeLessThanOrEqual(3);
    expect(summary.left).toHaveLength(2);
    expect(summary.left.map(({ path }) => path)).toContain(broken!.path);
    expect(warnings).toEqual(["files_not_compacted"]);
  });

  it("begins anew when another tool has removed one of its files, and deletes what it has written in vain", async () => {
    const files: AddFile[] = [];
    for (const sourceOffset of [0, 1, 2]) files.push(...(await append(table, [photoRow({ sourceOffset })])));
    world.wait(HOUR_MS);
    const other = await world.open();
    const store = { ...world.store };
    const racing = new DeltaTable(
      { ...table, store, location: LOCATION, logger: table.logger, clock: world.clock },
      await readSnapshot(table),
    );
    let isFirst = true;
    store.put = async (...args) => {
      const result = await world.store.put(...args);
      if (isFirst && args[0].key.endsWith(".parquet")) {
        isFirst = false;
        const reads = { planned: other.plan() };
        const operation = { name: "DELETE", parameters: {} };
        await other.transact({ commitId: randomUUID(), operation, reads, removes: [files[0]!], adds: [] });
      }
      return result;
    };
    const summary = await compactTable(racing, COMPACTION);
    expect(summary).toMatchObject({ commits: 1, removedFiles: 2, conflicts: ["ConcurrentDeleteDelete"] });
    expect((await allRows(other)).map((row) => row.source_offset)).toEqual([1, 2]);
    const objects = [];
    for await (const { key } of world.store.list(LOCATION.bucket, `${LOCATION.prefix}/model`)) objects.push(key);
    expect(objects).toHaveLength(4);
  });

  it("leaves the table to another maintainer that commits to it", async () => {
    for (const sourceOffset of [0, 1, 2]) await append(table, [photoRow({ sourceOffset })]);
    world.wait(HOUR_MS);
    const second = await world.open();
    const results = await Promise.all([compactTable(table, COMPACTION), compactTable(second, COMPACTION)]);
    expect(results.map(({ commits }) => commits).sort()).toEqual([0, 1]);
    expect((await allRows(table)).map((row) => row.source_offset)).toEqual([0, 1, 2]);
  });

  it("neither loses nor doubles a row beside writers and a second maintainer, whatever answers are lost", async () => {
    const loss = fc.constantFrom<Loss>("none", "none", "none", "request", "reply", "answer");
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.infiniteStream(loss), async (scheduler, losses) => {
        const racing = new MaintainedTable();
        const first = await racing.open();
        for (const sourceOffset of [0, 1]) await append(first, [photoRow({ sourceOffset })]);
        racing.wait(HOUR_MS);
        const nextLoss = () => losses.next().value as Loss;
        const at = async () => {
          const store = scheduled(racing.store, scheduler, nextLoss);
          const access = { store, location: LOCATION, logger: first.logger, clock: racing.clock };
          return new DeltaTable(access, await readSnapshot(first));
        };
        const [writer, maintainer, other] = [await at(), await at(), await at()];
        const appending = async () => {
          for (const sourceOffset of [2, 3]) await persistAppend(writer, sourceOffset);
        };
        const compacting = (one: DeltaTable) => persist(() => compactTable(one, { ...COMPACTION, quietMs: 0 }));
        const all = Promise.all([appending(), compacting(maintainer), compacting(other)]);
        await scheduler.waitFor(all);
        const rows = await allRows(await racing.open());
        expect(rows.map((row) => row.source_offset)).toEqual([0, 1, 2, 3]);
      }),
      propertyRuns(60),
    );
  });
});

/** Repeats one transaction, not one with another id, as reducers do. */
async function persistAppend(table: DeltaTable, sourceOffset: number): Promise<void> {
  const adds = await writeRows(table, [photoRow({ sourceOffset })]);
  const operation = { name: "STREAMING UPDATE", parameters: {} };
  const transaction = { commitId: randomUUID(), operation, adds };
  await persist(() => table.transact(transaction));
  expect(await readRows(table, adds[0]!)).toHaveLength(1);
}
