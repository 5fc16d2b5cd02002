import { beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "#lib/runtime/clock.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import { cleanLog } from "#lib/table/delta/clean-log.ts";
import { LOG_FOLDER } from "#lib/table/delta/delta-log.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { listLog } from "#lib/table/delta/list-log.ts";
import { readSnapshot } from "#lib/table/delta/read-snapshot.ts";
import { openTable } from "#lib/table/open-table.ts";
import {
  accessOf,
  cleanLater,
  commitTimes,
  emptyStore,
  LOCATION,
  logName,
  putLogFile,
  setProperty,
} from "../table-fixtures.ts";

const CREATED = { createIfAbsent: true };
const DAY_MS = 86_400_000;

let store: ObjectStore;
let table: DeltaTable;
beforeEach(async () => {
  store = emptyStore();
  table = await openTable(store, LOCATION, CREATED);
});

describe("the log's clean-up", () => {
  it("keeps what a reader at the newest old checkpoint needs, and removes what lies before", async () => {
    await commitTimes(table, 24);
    await putLogFile(store, `${"0".repeat(19)}3.crc`, "{}");
    const before = await readSnapshot(accessOf(store));
    expect(await clean(31 * DAY_MS)).toEqual({ keptFrom: 20, removedFiles: 22 });
    expect((await listLog(accessOf(store), 0)).commits).toEqual([20, 21, 22, 23, 24]);
    const after = await readSnapshot(accessOf(store));
    expect([...after.files]).toEqual([...before.files]);
    expect([...after.txnVersions]).toEqual([...before.txnVersions]);
    expect((await readSnapshot(accessOf(store), { version: 20 })).version).toBe(20);
    expect(await clean(31 * DAY_MS)).toEqual({ keptFrom: undefined, removedFiles: 0 });
  });

  it("leaves the lowest version kept written beside the log, of the latest clean-up only", async () => {
    await commitTimes(table, 11);
    await clean(31 * DAY_MS);
    expect((await listLog(accessOf(store), 10)).cleanedBelow).toBe(10);
    await commitTimes(table, 10);
    expect(await clean(31 * DAY_MS)).toEqual({ keptFrom: 20, removedFiles: 11 });
    expect(await boundaries()).toEqual(["_fruitstream_cleaned_below.00000000000000000020"]);
  });

  it("writes the boundary before it removes anything", async () => {
    await commitTimes(table, 11);
    const refusing: ObjectStore = { ...store, putIfAbsent: () => Promise.reject(new Error("no space")) };
    await expect(clean(31 * DAY_MS, refusing)).rejects.toThrow("no space");
    expect((await listLog(accessOf(store), 0)).commits).toHaveLength(12);
  });

  it("keeps each version readable that is younger than the table's property says", async () => {
    await setProperty(table, "delta.logRetentionDuration", "interval 2 days");
    await commitTimes(table, 29);
    // Every version is an hour younger than the one before; 30 is the newest.
    const aged: ObjectStore = {
      ...store,
      list: (...args) => byVersion(store.list(...args), (version) => (version - 30) * 3_600_000),
    };
    const access = { ...accessOf(aged), clock: { ...systemClock, nowMs: () => 2 * DAY_MS - 15 * 3_600_000 } };
    expect((await cleanLog(access, table.snapshot)).keptFrom).toBe(10);
    for (let version = 15; version <= 30; version++) await readSnapshot(accessOf(store), { version });
  });

  it("does nothing while the log is young, has no checkpoint, or is not to be cleaned", async () => {
    await commitTimes(table, 5);
    expect((await clean(31 * DAY_MS)).removedFiles).toBe(0);
    await commitTimes(table, 20);
    expect((await clean(29 * DAY_MS)).removedFiles).toBe(0);
    await setProperty(table, "delta.requireCheckpointProtectionBeforeVersion", "23");
    expect((await clean(31 * DAY_MS)).removedFiles).toBe(0);
    await setProperty(table, "delta.requireCheckpointProtectionBeforeVersion", "0");
    await setProperty(table, "delta.enableExpiredLogCleanup", "false");
    expect((await clean(31 * DAY_MS)).removedFiles).toBe(0);
    expect((await listLog(accessOf(store), 0)).commits).toHaveLength(table.snapshot.version + 1);
  });

  it("removes nothing where the checkpoint can't be read", async () => {
    await commitTimes(table, 20);
    await putLogFile(store, logName(20, "checkpoint.parquet"), "torn");
    await expect(clean(31 * DAY_MS)).rejects.toThrow();
    expect((await listLog(accessOf(store), 0)).commits).toHaveLength(21);
  });

  it("leaves a log that can be read wherever it is interrupted, and goes on from there", async () => {
    await commitTimes(table, 20);
    let deletions = 7;
    const dying: ObjectStore = {
      ...store,
      delete: async (location) => {
        if (deletions-- <= 0) throw new Error("killed");
        await store.delete(location);
      },
    };
    await expect(clean(31 * DAY_MS, dying)).rejects.toThrow("killed");
    expect((await readSnapshot(accessOf(store))).files.size).toBe(20);
    await clean(31 * DAY_MS);
    expect((await listLog(accessOf(store), 0)).commits).toEqual([20]);
  });
});

/** Some time from now. */
function clean(laterMs: number, from: ObjectStore = store) {
  return cleanLater(from, table, laterMs);
}

async function* byVersion(objects: ReturnType<ObjectStore["list"]>, ageMs: (version: number) => number) {
  for await (const object of objects) {
    const name = object.key.slice(object.key.indexOf(LOG_FOLDER) + LOG_FOLDER.length + 1);
    yield { ...object, modifiedAtMs: ageMs(Number.parseInt(name, 10) || 0) };
  }
}

async function boundaries(): Promise<string[]> {
  const names: string[] = [];
  for await (const { key } of store.list(LOCATION.bucket, `${LOCATION.prefix}/${LOG_FOLDER}/_fruitstream`)) {
    names.push(key.slice(key.lastIndexOf("/") + 1));
  }
  return names;
}
