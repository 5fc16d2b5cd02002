import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "#lib/runtime/clock.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import { commitPath } from "#lib/table/delta/delta-log.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { listLog } from "#lib/table/delta/list-log.ts";
import { readSnapshot } from "#lib/table/delta/read-snapshot.ts";
import { openTable } from "#lib/table/open-table.ts";
import { tableObject } from "#lib/table/table-location.ts";
import { propertyRuns } from "../../../../property-runs.ts";
import {
  accessOf,
  addOf,
  cleanLater,
  commitTimes,
  emptyStore,
  LOCATION,
  requestOf,
  warningsOf,
} from "../table-fixtures.ts";

const CREATED = { createIfAbsent: true };
const DAY_MS = 86_400_000;

let store: ObjectStore;
let table: DeltaTable;
beforeEach(async () => {
  store = emptyStore();
  table = await openTable(store, LOCATION, CREATED);
});

describe("a writer behind whom the log was cleaned up", () => {
  /** Ours leaves a boundary; Spark's leaves none. */
  const CLEANERS = {
    ours: async (_next: number) => void (await clean(31 * DAY_MS)),
    another: (_next: number) => cleanAsAnother(store),
    "another, to the last version that it may": (_next: number) => cleanAsAnother(store, 1),
    "another, at work": async (next: number) => {
      if ((await newestCheckpointOf(store)) > next) await store.delete(tableObject(LOCATION, commitPath(next)));
    },
  };

  it.each(["ours", "another"] as const)("loses no row to a commit that nobody would see: cleaned by %s", async (by) => {
    const { logger, warnings } = warningsOf();
    const frozen = await openTable(store, LOCATION, { logger });
    await commitTimes(table, 40);
    await CLEANERS[by](1);
    const request = requestOf(frozen, ["p0"], [addOf("thawed")]);
    const moved = { outcome: "fenced", appId: "p0", expected: undefined, actual: 40, others: [] };
    expect(await frozen.commit(request)).toEqual(moved);
    expect(warnings).toEqual(["table_log_cleaned_behind"]);
    expect(await frozen.commit(requestOf(frozen, ["p0"], [addOf("again")]))).toMatchObject({ version: 41 });
    expect(await frozen.commit(requestOf(frozen, ["p1"], [addOf("other")]))).toMatchObject({ version: 42 });
    await expectInTable(["again", "other"], ["thawed"]);
  });

  it.each(["ours", "another"] as const)("commits what nobody else has moved: cleaned by %s", async (by) => {
    const frozen = await openTable(store, LOCATION);
    await commitTimes(table, 40);
    await CLEANERS[by](1);
    expect(await frozen.commit(requestOf(frozen, ["p1"], [addOf("thawed")]))).toMatchObject({ version: 41 });
    await expectInTable(["thawed"], []);
  });

  it("loses no row to a commit that it puts while another removes versions in an order of its own", async () => {
    await commitTimes(table, 10);
    const frozen = await openTable(store, LOCATION);
    await commitTimes(table, 15);
    await store.delete(tableObject(LOCATION, commitPath(11)));
    expect(await frozen.commit(requestOf(frozen, ["p1"], [addOf("thawed")]))).toMatchObject({ version: 26 });
    await expectInTable(["thawed"], []);
  });

  it("is told of its commit where that was seen before the log was cleaned up", async () => {
    let isAsleep = false;
    const slow: ObjectStore = {
      ...store,
      async *list(...args) {
        if (isAsleep) {
          isAsleep = false;
          await table.advance();
          await commitTimes(table, 40);
          await clean(31 * DAY_MS);
        }
        yield* store.list(...args);
      },
    };
    const frozen = await openTable(slow, LOCATION);
    isAsleep = true;
    const result = await frozen.commit(requestOf(frozen, ["p1"], [addOf("seen")]));
    expect(result).toMatchObject({ outcome: "committed", version: 1 });
    await expectInTable(["seen"], []);
  });

  it("reads on from the newest checkpoint when it asks for news", async () => {
    let nowMs = Date.now();
    const clock = { ...systemClock, nowMs: () => nowMs };
    const frozen = await openTable(store, LOCATION, { ...CREATED, clock });
    await commitTimes(table, 40);
    await clean(31 * DAY_MS);
    nowMs += 61_000;
    expect(await frozen.advance()).toEqual([]);
    expect(frozen.snapshot.version).toBe(40);
  });

  it("neither loses nor doubles a row, wherever it slept and whoever cleaned", { timeout: 60_000 }, async () => {
    const windows = fc.integer({ min: 0, max: 25 });
    const cleaner = fc.constantFrom(...(Object.keys(CLEANERS) as (keyof typeof CLEANERS)[]));
    await fc.assert(
      fc.asyncProperty(windows, windows, cleaner, fc.boolean(), async (before, asleep, by, isSamePartition) => {
        store = emptyStore();
        table = await openTable(store, LOCATION, CREATED);
        const files = await commitTimes(table, before);
        const frozen = await openTable(store, LOCATION);
        const appId = isSamePartition ? "p0" : "p1";
        const request = requestOf(frozen, [appId], [addOf("thawed")]);
        files.push(...(await commitTimes(table, asleep)));
        await CLEANERS[by](frozen.snapshot.version + 1);
        const { outcome } = await frozen.commit(request);
        if (outcome === "committed") files.push("thawed");
        expect(outcome).toBe(isSamePartition && asleep > 0 ? "fenced" : "committed");
        expect([...(await readSnapshot(accessOf(store))).files.keys()].sort()).toEqual(files.sort());
      }),
      propertyRuns(100),
    );
  });
});

/** Some time from now. */
function clean(laterMs: number, from: ObjectStore = store) {
  return cleanLater(from, table, laterMs);
}

/** Removes what lies before the newest checkpoint, and as many commits from it on, without a word. */
async function cleanAsAnother(from: ObjectStore, more = 0): Promise<void> {
  const { commits, checkpoints } = await listLog(accessOf(from), 0);
  const newest = await newestCheckpointOf(from);
  const remove = (path: string) => from.delete(tableObject(LOCATION, path));
  const cleaned = checkpoints.length > 0 ? commits.filter((version) => version < newest + more) : [];
  for (const version of cleaned) await remove(commitPath(version));
  for (const { paths } of checkpoints.slice(0, -1)) for (const path of paths) await remove(path);
}

async function newestCheckpointOf(from: ObjectStore): Promise<number> {
  return (await listLog(accessOf(from), 0)).checkpoints.at(-1)?.version ?? 0;
}

async function expectInTable(wanted: readonly string[], unwanted: readonly string[]): Promise<void> {
  const files = [...(await readSnapshot(accessOf(store))).files.keys()];
  expect(files).toEqual(expect.arrayContaining([...wanted]));
  for (const path of unwanted) expect(files).not.toContain(path);
}
