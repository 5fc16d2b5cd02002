import { beforeEach, describe, expect, it } from "vitest";
import type { ObjectStore } from "#lib/store/object-store.ts";
import { type Action, serialiseActions } from "#lib/table/delta/actions.ts";
import { writeCheckpoint } from "#lib/table/delta/checkpoint.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { findSnapshot, readSnapshot } from "#lib/table/delta/read-snapshot.ts";
import type { Snapshot } from "#lib/table/delta/snapshot.ts";
import { openTable } from "#lib/table/open-table.ts";
import { tableObject } from "#lib/table/table-location.ts";
import {
  accessOf,
  addOf,
  emptyStore,
  LOCATION,
  logName,
  putLogFile,
  requestOf,
  warningsOf,
} from "../table-fixtures.ts";

describe("a snapshot as read", () => {
  let store: ObjectStore;
  let table: DeltaTable;

  beforeEach(async () => {
    store = emptyStore();
    table = await openTable(store, LOCATION, { createIfAbsent: true });
  });

  const commitUpTo = async (version: number) => {
    while (table.snapshot.version < version) {
      const next = table.snapshot.version + 1;
      await table.commit(requestOf(table, [`app ${next % 3}`, "app"], [addOf(`dt=2026-03-01/${next} ü%.parquet`)]));
    }
  };

  it("is the same from a checkpoint as from the log alone", async () => {
    await commitUpTo(9);
    await commitActions([
      { remove: { path: "dt=2026-03-01/3 ü%.parquet", deletionTimestamp: Date.now(), dataChange: true } },
    ]);
    const fromLog = stateOf(await readSnapshot(accessOf(store)));
    await writeCheckpoint(accessOf(store), await readSnapshot(accessOf(store)));
    for (let version = 0; version <= 10; version++)
      await store.delete(tableObject(LOCATION, `_delta_log/${logName(version)}`));
    const fromCheckpoint = stateOf(await readSnapshot(accessOf(store)));
    expect(fromCheckpoint).toEqual(fromLog);
    expect(fromLog).toMatchObject({ version: 10, tombstones: ["dt=2026-03-01/3 ü%.parquet"] });
    expect(fromLog.files).toHaveLength(8);
  });

  it("needs no commit up to the checkpoint that every tenth version writes", async () => {
    await commitUpTo(23);
    const whole = stateOf(await readSnapshot(accessOf(store)));
    for (let version = 0; version <= 20; version++)
      await store.delete(tableObject(LOCATION, `_delta_log/${logName(version)}`));
    expect(stateOf(await readSnapshot(accessOf(store)))).toEqual(whole);
    expect(whole.files).toHaveLength(23);
  });

  it("forgets tombstones a week old at a checkpoint, and keeps younger ones", async () => {
    await commitActions([
      { remove: { path: "old", deletionTimestamp: Date.now() - 8 * 86_400_000, dataChange: true } },
      { remove: { path: "young", deletionTimestamp: Date.now() - 6 * 86_400_000, dataChange: true } },
    ]);
    await writeCheckpoint(accessOf(store), await readSnapshot(accessOf(store)));
    expect([...(await readSnapshot(accessOf(store))).tombstones.keys()]).toEqual(["young"]);
  });

  it.each<[name: string, spoil: (whole: Uint8Array) => Uint8Array | undefined]>([
    ["missing", () => undefined],
    ["empty", () => new Uint8Array(0)],
    ["cut short", (whole) => whole.subarray(0, whole.length >> 1)],
    ["no Parquet", () => Buffer.from("PAR1 and then nothing")],
    ["overwritten in the middle", (whole) => whole.map((byte, index) => (index > 20 && index < 900 ? 0xff : byte))],
  ])("comes from the log when the checkpoint is %s, with a warning", async (_, spoil) => {
    await commitUpTo(12);
    const whole = stateOf(await readSnapshot(accessOf(store)));
    const checkpoint = tableObject(LOCATION, `_delta_log/${logName(10, "checkpoint.parquet")}`);
    const { bytes } = await store.get(checkpoint, { bytesMax: 1_000_000 });
    const spoilt = spoil(bytes);
    if (spoilt === undefined) await store.delete(checkpoint);
    else await store.put(checkpoint, spoilt);
    const { logger, warnings } = warningsOf();
    expect(stateOf(await readSnapshot(accessOf(store, logger)))).toEqual(whole);
    if (spoilt !== undefined) expect(warnings[0]).toBe("table_checkpoint_unreadable");
  });

  it("comes from an earlier checkpoint when the newest can't be read and the log was cleaned up", async () => {
    await commitUpTo(21);
    const whole = stateOf(await readSnapshot(accessOf(store)));
    await putLogFile(store, logName(20, "checkpoint.parquet"), "spoilt");
    for (let version = 0; version <= 9; version++)
      await store.delete(tableObject(LOCATION, `_delta_log/${logName(version)}`));
    expect(stateOf(await readSnapshot(accessOf(store)))).toEqual(whole);
  });

  it("does without a hint that is missing, no JSON, or ahead of what exists", async () => {
    await commitUpTo(12);
    const whole = stateOf(await readSnapshot(accessOf(store)));
    for (const hint of ["not json", '{"version":30,"size":3}', '{"size":3}', '{"version":10,"size":4}']) {
      await putLogFile(store, "_last_checkpoint", hint);
      expect(stateOf(await readSnapshot(accessOf(store)))).toEqual(whole);
    }
    await store.delete(tableObject(LOCATION, "_delta_log/_last_checkpoint"));
    expect(stateOf(await readSnapshot(accessOf(store)))).toEqual(whole);
  });

  it("can be that of any older version", async () => {
    await commitUpTo(12);
    for (const version of [0, 1, 9, 10, 11, 12]) {
      const snapshot = await readSnapshot(accessOf(store), { version });
      expect({ version: snapshot.version, files: snapshot.files.size }).toEqual({ version, files: version });
    }
  });

  it.each([-1, 13, 0.5])("refuses version %d of a table with versions 0 to 12", async (version) => {
    await commitUpTo(12);
    await expect(readSnapshot(accessOf(store), { version })).rejects.toMatchObject({ code: "usage" });
  });

  it("names the commit that is missing when the log has a hole", async () => {
    await commitUpTo(5);
    await store.delete(tableObject(LOCATION, `_delta_log/${logName(3)}`));
    await expect(readSnapshot(accessOf(store))).rejects.toThrow(/has no commit of version 3/);
  });

  it("ignores what is not part of the log", async () => {
    await commitUpTo(2);
    await putLogFile(store, "00000000000000000009.checkpoint.0000000001.0000000002.parquet", "part of another's");
    await putLogFile(store, "00000000000000000001.crc", "{}");
    await putLogFile(store, "_commits/00000000000000000007.json", "{}");
    expect((await readSnapshot(accessOf(store))).version).toBe(2);
  });

  it("does not exist where there is no table", async () => {
    const nowhere = { ...accessOf(store), location: { bucket: LOCATION.bucket, prefix: "elsewhere" } };
    expect(await findSnapshot(nowhere)).toBeUndefined();
    await expect(readSnapshot(nowhere)).rejects.toMatchObject({ code: "invalid-table" });
  });

  async function commitActions(actions: Action[]): Promise<void> {
    await putLogFile(store, logName(table.snapshot.version + 1), serialiseActions(actions));
    await table.advance();
  }
});

function stateOf(snapshot: Snapshot) {
  return {
    version: snapshot.version,
    protocol: snapshot.protocol,
    metadata: JSON.parse(JSON.stringify(snapshot.metadata, (_, value) => value ?? undefined)),
    files: [...snapshot.files.values()].map(({ path, partitionValues, size, stats }) => [
      path,
      partitionValues,
      size,
      stats,
    ]),
    tombstones: [...snapshot.tombstones.keys()],
    txnVersions: Object.fromEntries(snapshot.txnVersions),
  };
}
