import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { systemClock } from "#lib/runtime/clock.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import { type Action, serialiseActions } from "#lib/table/delta/actions.ts";
import { commitPath, readCommit } from "#lib/table/delta/delta-log.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { readSnapshot } from "#lib/table/delta/read-snapshot.ts";
import { openTable } from "#lib/table/open-table.ts";
import { tableObject } from "#lib/table/table-location.ts";
import { propertyRuns } from "../../../../property-runs.ts";
import { accessOf, addOf, emptyStore, LOCATION } from "../table-fixtures.ts";

const CREATED = { createIfAbsent: true };

describe("a commit that another tool writes over, since it puts without a condition,", () => {
  it("is put back with the next commit, and what stands in its place counts too", async () => {
    const { store, table } = await tableWith(3);
    await putOver(store, 3, [{ remove: { path: "w0 0", deletionTimestamp: 1, dataChange: true } }]);
    expect(await commitNext(table, "w0")).toMatchObject({ outcome: "committed", version: 4 });
    expect(await stateOf(store)).toEqual({ files: ["w0 1", "w0 2", "w0 3"], w0: 4 });
    const restored = (await readCommit(accessOf(store), 5))!;
    expect(restored.commitInfo).toMatchObject({
      operation: "RESTORE LOST COMMIT",
      fruitstream: { settles: { version: 3 } },
    });
    expect(restored.adds.map(({ path, stats }) => [path, stats])).toEqual([["w0 2", '{"numRecords":1}']]);
  });

  it("is put back by itself when nothing else happens", async () => {
    const { store, table, later } = await tableWith(3);
    await putOver(store, 3, [{ txn: { appId: "spark", version: 1 } }]);
    later(61_000);
    expect((await table.advance()).map(({ version }) => version)).toEqual([4]);
    expect(await stateOf(store)).toEqual({ files: ["w0 0", "w0 1", "w0 2"], w0: 3, spark: 1 });
  });

  it("is put back by another reducer that has read it, when its own is gone", async () => {
    const { store, table } = await tableWith(1);
    const other = await openTable(store, LOCATION, CREATED);
    await commitNext(table, "w0");
    await other.advance();
    await putOver(store, 2, []);
    await commitNext(other, "w1");
    expect(await stateOf(store)).toEqual({ files: ["w0 0", "w0 1", "w1 0"], w0: 2, w1: 1 });
  });

  it("is put back after a kill, by what the next commit has noted of it", async () => {
    const { store } = await tableWith(4);
    await putOver(store, 3, [{ remove: { path: "w0 0", deletionTimestamp: 1, dataChange: true } }]);
    expect((await stateOf(store)).files).toEqual(["w0 1", "w0 3"]);
    await openTable(store, LOCATION, CREATED);
    expect(await stateOf(store)).toEqual({ files: ["w0 1", "w0 2", "w0 3"], w0: 4 });
  });

  it("needs nothing after a kill when nobody has built on it: its records are read again", async () => {
    const { store } = await tableWith(3);
    await putOver(store, 3, []);
    const restarted = await openTable(store, LOCATION, CREATED);
    expect(restarted.snapshot.txnVersions.get("w0")).toBe(2);
    await commitNext(restarted, "w0");
    expect(await stateOf(store)).toEqual({ files: ["w0 0", "w0 1", "w0 2"], w0: 3 });
  });

  it("is put back once, however many find it", async () => {
    const { store, table } = await tableWith(3);
    const others = await Promise.all([1, 2].map(() => openTable(store, LOCATION, CREATED)));
    await putOver(store, 3, []);
    await Promise.all([commitNext(table, "w0"), ...others.map((other, index) => commitNext(other, `w${index + 1}`))]);
    expect(await restorations(store)).toEqual([3]);
    await openTable(store, LOCATION, CREATED);
    expect(await restorations(store)).toEqual([3]);
    expect(await stateOf(store)).toMatchObject({ files: ["w0 0", "w0 1", "w0 2", "w0 3", "w1 0", "w2 0"] });
  });

  it("is hidden by no checkpoint when the put is late", async () => {
    const { store, table } = await tableWith(10);
    const deletion: Action[] = [{ remove: { path: "w0 0", deletionTimestamp: 1, dataChange: true } }];
    await putOver(store, 8, deletion);
    expect((await stateOf(store)).files).toContain("w0 0");
    await commitNext(table, "w0");
    const all = Array.from({ length: 11 }, (_, index) => `w0 ${index}`);
    expect(await stateOf(store)).toEqual({ files: all.slice(1).sort(), w0: 11 });
    expect([...(await readSnapshot(accessOf(store), { version: 10 })).files.keys()]).not.toContain("w0 0");
  });

  it.each([8, 10])("is hidden by no checkpoint of a writer that was killed after it: version %i", async (version) => {
    const { store } = await tableWith(10);
    await putOver(store, version, [{ remove: { path: "w0 0", deletionTimestamp: 1, dataChange: true } }]);
    const restarted = await openTable(store, LOCATION, CREATED);
    while (restarted.snapshot.txnVersions.get("w0")! < 10) await commitNext(restarted, "w0");
    const rest = Array.from({ length: 9 }, (_, index) => `w0 ${index + 1}`);
    expect(await stateOf(store)).toEqual({ files: rest, w0: 10 });
  });

  it("is said to be missing, once, when its records were taken again in part", async () => {
    const store = emptyStore();
    const table = await openTable(store, LOCATION, CREATED);
    await commitMoves(table, ["w0", "w1"], "both");
    await putOver(store, 1, []);
    // One that has read the table since takes the records of w1 again, one that had read it before goes on with w0.
    const reader = await openTable(store, LOCATION);
    await putBehind(store, reader, "w1", undefined);
    await putBehind(store, reader, "w0", 1);
    const refusal = {
      code: "invalid-table",
      message: expect.stringMatching(/version 1 .* 1 rows are missing.*w0 from 0 to 1/),
    };
    await expect(openTable(store, LOCATION, CREATED)).rejects.toMatchObject(refusal);
    await openTable(store, LOCATION, CREATED);
  });

  it("is not put back when all of its records that anybody has read on from were taken again", async () => {
    const store = emptyStore();
    const table = await openTable(store, LOCATION, CREATED);
    await commitMoves(table, ["w0", "w1"], "both");
    await putOver(store, 1, []);
    await putBehind(store, await openTable(store, LOCATION), "w1", undefined);
    const restarted = await openTable(store, LOCATION, CREATED);
    await commitNext(restarted, "w0");
    expect(await stateOf(store)).toEqual({ files: ["w0 0", "w1 again"], w0: 1, w1: 1 });
  });

  it("is said to be missing, once, when its files are gone", async () => {
    const { store } = await tableWith(3);
    await putOver(store, 2, []);
    await store.delete(tableObject(LOCATION, "w0 1"));
    const refusal = /version 2 .* 1 rows are missing: its file w0 1 is gone/;
    await expect(openTable(store, LOCATION, CREATED)).rejects.toThrow(refusal);
    await openTable(store, LOCATION, CREATED);
    expect(await stateOf(store)).toEqual({ files: ["w0 0", "w0 2"], w0: 3 });
  });

  it("of a compaction is not put back, since no row is gone", async () => {
    const { store, table } = await tableWith(2);
    await compact(table, "joined");
    await putOver(store, 3, []);
    await commitNext(table, "w0");
    expect(await stateOf(store)).toEqual({ files: ["w0 0", "w0 1", "w0 2"], w0: 3 });
  });

  it("of a compaction is put back when somebody has built on it: its rows would be there twice", async () => {
    const { store, table } = await tableWith(2);
    await compact(table, "joined");
    await commitNext(table, "w0");
    await compact(table, "joined again");
    await putOver(store, 3, []);
    await openTable(store, LOCATION, CREATED);
    expect(await stateOf(store)).toEqual({ files: ["joined again"], w0: 3 });
  });
});

describe("a listing is all that it takes", () => {
  it("to see that nothing was written over: no commit is read", async () => {
    const { store } = await tableWith(0);
    const got: string[] = [];
    const counting: ObjectStore = {
      ...store,
      get: (location, ...rest) => {
        got.push(location.key);
        return store.get(location, ...rest);
      },
    };
    const table = await openTable(counting, LOCATION);
    got.length = 0;
    for (let window = 0; window < 30; window++) await commitNext(table, "w0");
    expect(got.filter((key) => key.endsWith(".json"))).toHaveLength(1);
  });

  it("to see that a checkpoint is right when the table is opened: none is written again", async () => {
    const { store, table } = await tableWith(25);
    const planned = table.plan();
    const [gone] = planned.files.values();
    const operation = { name: "DELETE", parameters: {} };
    await table.transact({ commitId: "delete", operation, reads: { planned }, removes: [gone!], adds: [] });
    while (table.snapshot.version < 31) await commitNext(table, "w0");
    const put: string[] = [];
    const counting: ObjectStore = {
      ...store,
      put: (location, ...rest) => {
        put.push(location.key);
        return store.put(location, ...rest);
      },
    };
    await openTable(counting, LOCATION, CREATED);
    expect(put.filter((key) => key.includes("checkpoint"))).toEqual([]);
  });
});

it("loses, doubles and hides no row, whenever another tool puts and whoever is killed", {
  timeout: 120_000,
}, async () => {
  const plan = fc.array(fc.constantFrom("commit", "commit", "commit", "kill"), { minLength: 2, maxLength: 5 });
  const plans = fc.array(plan, { minLength: 1, maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), plans, fc.integer({ min: 1, max: 2 }), async (scheduler, writers, deletions) => {
      // The checkpoint of version 10 comes in between.
      const { store } = await tableWith(7);
      const slow = slowStore(store, scheduler);
      const deleted: string[] = [];
      const races = writers.map((steps, index) => reduce(slow, `w${index + 1}`, steps));
      await scheduler.waitFor(Promise.all([...races, deleteLate(slow, deletions, deleted)]));
      const { files, txnVersions } = (await openTable(store, LOCATION, CREATED)).snapshot;
      const rowsOf = (paths: Iterable<string>) => Array.from(paths, (path) => path.split(" #")[0]!).sort();
      const read = [...txnVersions].filter(([appId]) => /^w\d$/.test(appId));
      const committed = read.flatMap(([appId, end]) =>
        Array.from({ length: end }, (_, offset) => `${appId} ${offset}`),
      );
      const gone = rowsOf(deleted);
      expect(rowsOf(files.keys())).toEqual(committed.filter((row) => !gone.includes(row)).sort());
    }),
    propertyRuns(150),
  );
});

/** A table to which w0 has committed so many windows, of a row each. */
async function tableWith(windows: number) {
  const store = emptyStore();
  let nowMs = Date.now();
  const clock = { ...systemClock, nowMs: () => nowMs };
  const table = await openTable(store, LOCATION, { ...CREATED, clock });
  for (let window = 0; window < windows; window++) await commitNext(table, "w0");
  return { store, table, later: (ms: number) => (nowMs += ms) };
}

/** The row of the next offset, in a file of its own. */
function commitNext(table: DeltaTable, appId: string, suffix = "") {
  return commitMoves(table, [appId], `${appId} ${table.snapshot.txnVersions.get(appId) ?? 0}${suffix}`);
}

async function commitMoves(table: DeltaTable, appIds: readonly string[], path: string) {
  await table.store.put(tableObject(LOCATION, path), Buffer.from("rows"));
  const at = (appId: string) => table.snapshot.txnVersions.get(appId);
  return table.commit({
    commitId: randomUUID(),
    operation: "STREAMING UPDATE",
    adds: [addOf(path)],
    txns: appIds.map((appId) => ({ appId, version: (at(appId) ?? 0) + 1 })),
    baseTxns: new Map(appIds.map((appId) => [appId, at(appId)])),
  });
}

/** All files become one. */
async function compact(table: DeltaTable, path: string): Promise<void> {
  const planned = table.plan();
  const operation = { name: "OPTIMIZE", parameters: {} };
  const files = { removes: [...planned.files.values()], adds: [addOf(path)], dataChange: false };
  await table.transact({ commitId: randomUUID(), operation, reads: { planned }, ...files });
}

/** As Spark's log store puts it. */
async function putOver(store: ObjectStore, version: number, actions: readonly Action[]): Promise<void> {
  const commitInfo = { timestamp: 1, operation: "DELETE", engineInfo: "Apache-Spark", txnId: randomUUID() };
  const body = serialiseActions([{ commitInfo }, ...actions]);
  await store.put(tableObject(LOCATION, commitPath(version)), Buffer.from(body));
}

/** The next version, of a writer that has `appId` at `base`, and that nobody watches. */
async function putBehind(
  store: ObjectStore,
  table: DeltaTable,
  appId: string,
  base: number | undefined,
): Promise<void> {
  await table.advance();
  const { version } = table.snapshot;
  const note = {
    bases: [base ?? null],
    follows: (await readCommit(accessOf(store), 1))!.commitInfo!.fruitstream?.follows,
  };
  const first = version === 1 ? await heldOfFirst() : note.follows;
  const commitInfo = {
    timestamp: 1,
    operation: "STREAMING UPDATE",
    txnId: randomUUID(),
    fruitstream: { ...note, follows: first },
  };
  const txn = { appId, version: (base ?? 0) + 1 };
  const body = serialiseActions([{ commitInfo }, { txn }, { add: addOf(`${appId} again`) }]);
  await store.putIfAbsent(tableObject(LOCATION, commitPath(version + 1)), Buffer.from(body));
}

async function heldOfFirst() {
  const elsewhere = emptyStore();
  const table = await openTable(elsewhere, LOCATION, CREATED);
  await commitMoves(table, ["w0", "w1"], "both");
  await commitMoves(table, ["w0"], "next");
  return (await readCommit(accessOf(elsewhere), 2))!.commitInfo!.fruitstream!.follows;
}

/** The files and txns as a reader of the log finds them, but for those that note what was put back. */
async function stateOf(store: ObjectStore) {
  const { files, txnVersions } = (await openTable(store, LOCATION)).snapshot;
  const txns = [...txnVersions].filter(([appId]) => !appId.startsWith("fruitstream/overwritten/"));
  return { files: [...files.keys()].sort(), ...Object.fromEntries(txns) };
}

async function restorations(store: ObjectStore): Promise<number[]> {
  const { version } = (await openTable(store, LOCATION)).snapshot;
  const commits = await Promise.all(Array.from({ length: version + 1 }, (_, at) => readCommit(accessOf(store), at)));
  return commits.flatMap((commit) => commit!.commitInfo?.fruitstream?.settles?.version ?? []);
}

function slowStore(store: ObjectStore, scheduler: fc.Scheduler): ObjectStore {
  return {
    ...store,
    get: scheduler.scheduleFunction((...args) => store.get(...args)),
    put: scheduler.scheduleFunction((...args) => store.put(...args)),
    putIfAbsent: scheduler.scheduleFunction((...args) => store.putIfAbsent(...args)),
  };
}

/** A reducer that commits windows of a row; killed, it starts again from the table. */
async function reduce(store: ObjectStore, appId: string, plan: readonly string[]): Promise<void> {
  let table = await openTable(store, LOCATION, CREATED);
  for (const step of plan) {
    if (step === "kill") table = await openTable(store, LOCATION, CREATED);
    else await commitNext(table, appId, ` #${randomUUID()}`);
  }
}

/** Another tool that deletes a file now and then: it asks whether the version exists, and puts some time later. */
async function deleteLate(store: ObjectStore, deletions: number, deleted: string[]): Promise<void> {
  for (let deletion = 0; deletion < deletions; deletion++) {
    const snapshot = await readSnapshot(accessOf(store)).catch((error) => {
      if (error instanceof FruitstreamError && error.code === "invalid-table") return undefined;
      throw error;
    });
    const path = snapshot && [...snapshot.files.keys()][0];
    if (snapshot === undefined || path === undefined) continue;
    const version = snapshot.version + 1;
    if (await store.head(tableObject(LOCATION, commitPath(version)))) continue;
    await putOver(store, version, [{ remove: { path, deletionTimestamp: 1, dataChange: true } }]);
    deleted.push(path);
  }
}
