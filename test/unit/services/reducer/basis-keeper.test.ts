import { randomUUID } from "node:crypto";
import { beforeEach, expect, test } from "vitest";
import { systemClock } from "#lib/runtime/clock.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import { cleanLog } from "#lib/table/delta/clean-log.ts";
import { commitPath } from "#lib/table/delta/delta-log.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { openTable } from "#lib/table/open-table.ts";
import type { PhotoRow } from "#lib/table/photo-row.ts";
import { writeRows } from "#lib/table/table-files.ts";
import { tableObject } from "#lib/table/table-location.ts";
import { BasisKeeper } from "#services/reducer/basis-keeper.ts";
import { Projector } from "#services/reducer/projector.ts";
import { SubjectBases } from "#services/reducer/subject-bases.ts";
import { TableMoments } from "#services/reducer/table-moments.ts";
import { createMemoryObjectStore } from "../../../fakes/memory-object-store.ts";
import { loopKernel } from "../../lib/pca/loop-kernel.ts";
import { photoRow } from "../../lib/table/photo-rows.ts";
import { warningsOf } from "../../lib/table/table-fixtures.ts";
import { featuresRecord, handDrivenReducer, location } from "./hand-driven-reducer.ts";

const SUBJECT = { model: "m", run: "live" };
const DIMENSIONS = 3;
/** A checkpoint is due after so many table versions. */
const CHECKPOINT_VERSIONS = 32;
const WINDOW_ROWS = 2;

let memory: ObjectStore;
beforeEach(() => {
  memory = createMemoryObjectStore([location.bucket]);
});

test("a reducer that keeps the moments again goes on from the newest checkpoint, whoever wrote it", async () => {
  const [first, second] = [await openMember(), await openMember()];
  first.keep(true);
  for (let window = 0; window < 3; window++) await first.commitWindow();
  const leftAt = first.table.snapshot.version;
  first.keep(false);

  second.keep(true);
  for (let window = 0; window < CHECKPOINT_VERSIONS + 10; window++) await second.commitWindow();
  second.keep(false);
  const checkpoint = (await TableMoments.load(second.table, SUBJECT, DIMENSIONS, loopKernel)).version;
  expect(checkpoint).toBeGreaterThan(leftAt);

  first.keep(true);
  first.filesRead.clear();
  await first.commitWindow();
  const { version } = first.table.snapshot;
  // Its own window is folded in from memory.
  expect(first.filesRead.size).toBe(version - 1 - checkpoint);
  await expectWholeTable(first);
});

test("moments are read from the rows where the log was cleaned up behind them, held or in a checkpoint", async () => {
  const [first, second] = [await openMember(), await openMember()];
  first.keep(true);
  await first.commitWindow();
  await first.save();
  for (let window = 0; window < 25; window++) await second.commitWindow();
  await cleanLog(
    { ...second.table, clock: { ...systemClock, nowMs: () => Date.now() + 31 * 86_400_000 } },
    second.table.snapshot,
  );
  await first.commitWindow();
  await expectWholeTable(first);

  await forgetMomentsAfter(1);
  second.keep(true);
  await second.commitWindow();
  await expectWholeTable(second);
});

test("moments of a version that another tool has written over are read from the rows", async () => {
  const member = await openMember();
  member.keep(true);
  await member.commitWindow();
  await member.save();
  const { version } = member.table.snapshot;
  const commitInfo = { operation: "DELETE", txnId: "another" };
  await memory.put(tableObject(location, commitPath(version)), Buffer.from(JSON.stringify({ commitInfo })));
  const restarted = await openMember();
  restarted.keep(true);
  await restarted.commitWindow();
  await expectWholeTable(restarted);
});

test("what a keeper held is gone with its keeping: it is not saved, and is loaded anew", async () => {
  const member = await openMember();
  member.keep(true);
  await member.commitWindow();
  member.keep(false);
  await member.save();
  expect(await momentsKeys()).toEqual([]);

  member.keep(true);
  member.filesRead.clear();
  await member.commitWindow();
  expect(member.filesRead.size).toBeGreaterThan(0);
  await expectWholeTable(member);
});

test("keepers that take turns faster than checkpoints are due read back no more than what came since one", async () => {
  const members = [await openMember(), await openMember()];
  const turnWindows = 5;
  for (let turn = 0; turn < 20; turn++) {
    const member = members[turn % 2]!;
    member.keep(true);
    member.filesRead.clear();
    for (let window = 0; window < turnWindows; window++) await member.commitWindow();
    member.keep(false);
    expect(member.filesRead.size, `in turn ${turn}`).toBeLessThan(CHECKPOINT_VERSIONS + turnWindows);
  }
});

test("rows of another tool without a vector are named and left out, in every file, and nothing stops", async () => {
  const { logger, warnings } = warningsOf();
  const table = await openTable(memory, location, { createIfAbsent: true, logger });
  const nothing = { ...row(0), features: null as never };
  const adds = [...(await writeRows(table, [row(1), nothing, nothing])), ...(await writeRows(table, [nothing]))];
  const request = { commitId: randomUUID(), operation: "WRITE", adds, txns: [], baseTxns: new Map() };
  await table.commit(request);
  const moments = await TableMoments.load(table, SUBJECT, DIMENSIONS, loopKernel);
  expect(moments.moments.count).toBe(1);
  await moments.catchUp(table.snapshot.version);
  expect(warnings).toEqual(["rows_without_features", "rows_without_features"]);
});

test("the owner of partition 0 lets the moments go with the partition, and loads them when it comes back", async () => {
  const records = [0, 1].map((partition) =>
    Array.from({ length: 80 }, (_, offset) => featuresRecord(partition, offset)),
  );
  const { store, filesRead } = countingStore();
  // Every record is a window of its own.
  const [first, second] = [await handDrivenReducer(store, records, 1), await handDrivenReducer(memory, records, 1)];
  await first.assign([0, 1]);
  await first.read(0, 3);
  await first.assign([1]);
  await second.assign([0]);
  await second.read(0, CHECKPOINT_VERSIONS + 10);
  await second.assign([1]);

  await first.assign([0]);
  filesRead.clear();
  await first.read(0, 1);
  expect(filesRead.size).toBeGreaterThan(0);
  expect(filesRead.size).toBeLessThan(CHECKPOINT_VERSIONS);
});

interface Member {
  readonly table: DeltaTable;
  /** Makes it the keeper of the moments, or lets its keeper go, as a reducer does with partition 0. */
  keep(isKeeping: boolean): void;
  /** Writes checkpoints of what its keeper has folded, if it has one. */
  save(): Promise<void>;
  /** Keys of the data files that it has read since this was cleared. */
  readonly filesRead: Set<string>;
  /** Commits two rows, as a reducer does. */
  commitWindow(): Promise<void>;
}

async function openMember(): Promise<Member> {
  const { store, filesRead } = countingStore();
  const table = await openTable(store, location, { createIfAbsent: true });
  const bases = new SubjectBases(table, loopKernel, 2);
  const projector = new Projector(bases, loopKernel);
  let keeper: BasisKeeper | undefined;
  return {
    table,
    filesRead,
    keep: (isKeeping) => {
      keeper = isKeeping ? (keeper ?? new BasisKeeper(table, loopKernel, bases, 5)) : undefined;
    },
    save: async () => keeper?.save(),
    commitWindow: async () => {
      const commits = await table.advance();
      await keeper?.seen(commits);
      const { version } = table.snapshot;
      const rows = Array.from({ length: WINDOW_ROWS }, (_, index) => row(WINDOW_ROWS * version + index));
      const adds = await writeRows(table, await projector.project(rows));
      const request = { commitId: randomUUID(), operation: "STREAMING UPDATE", adds, txns: [], baseTxns: new Map() };
      const result = await table.commit(request);
      if (result.outcome !== "committed") throw new Error("nobody else commits meanwhile");
      await keeper?.seen(result.others);
      await keeper?.committed(result.version, rows);
    },
  };
}

/** The store of all, which notes what data files are read through it. */
function countingStore(): { store: ObjectStore; filesRead: Set<string> } {
  const filesRead = new Set<string>();
  const store: ObjectStore = {
    ...memory,
    get: async (object, options) => {
      if (object.key.endsWith(".parquet") && !object.key.includes("_delta_log")) filesRead.add(object.key);
      return memory.get(object, options);
    },
  };
  return { store, filesRead };
}

/** What the keeper holds are the moments of all rows that the table has. */
async function expectWholeTable({ table, save }: Member): Promise<void> {
  await save();
  const moments = await TableMoments.load(table, SUBJECT, DIMENSIONS, loopKernel);
  expect(moments.version).toBe(table.snapshot.version);
  expect(moments.moments.count).toBe(WINDOW_ROWS * table.snapshot.files.size);
}

/** Leaves the checkpoint of that version only. */
async function forgetMomentsAfter(version: number): Promise<void> {
  for (const key of await momentsKeys()) {
    if (!key.endsWith(`${version}.moments`)) await memory.delete({ bucket: location.bucket, key });
  }
  expect(await momentsKeys()).toHaveLength(1);
}

async function momentsKeys(): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of memory.list(location.bucket, `${location.prefix}/_fruitstream/moments/`)) keys.push(key);
  return keys;
}

function row(sourceOffset: number): PhotoRow {
  const features = Float32Array.from({ length: DIMENSIONS }, (_, index) => Math.sin(sourceOffset * (index + 1)));
  return photoRow({ ...SUBJECT, sourceOffset, features, pcaFeatures: null, pcaVersion: null });
}
