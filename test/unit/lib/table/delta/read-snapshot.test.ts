import { beforeEach, describe, expect, it } from "vitest";
import type { ObjectStore } from "#lib/store/object-store.ts";
import {
  boolColumn,
  int64Column,
  mapColumn,
  structColumn,
  timestampColumn,
  utf8Column,
} from "#lib/table/arrow-columns.ts";
import { type Action, serialiseActions } from "#lib/table/delta/actions.ts";
import { writeCheckpoint } from "#lib/table/delta/checkpoint.ts";
import { recordCountOf } from "#lib/table/delta/column-statistics.ts";
import { commitOf } from "#lib/table/delta/delta-log.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { findSnapshot, readSnapshot } from "#lib/table/delta/read-snapshot.ts";
import { Snapshot } from "#lib/table/delta/snapshot.ts";
import { openTable } from "#lib/table/open-table.ts";
import { decodeRows, encodeColumns } from "#lib/table/parquet-file.ts";
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

  it.each([
    ["missing", undefined],
    ["no JSON", "not json"],
    ["cut short", '{"version":10,"si'],
    ["empty", ""],
    ["ahead of what exists", '{"version":30,"size":3}'],
    ["without a version", '{"size":3}'],
    ["of a version that can't be", '{"version":-1,"size":3}'],
    ["of another size", '{"version":10,"size":4}'],
    ["larger than any", `{"version":10,"size":4,"more":"${"x".repeat(2 ** 20)}"}`],
    ["of an earlier checkpoint", '{"version":10,"size":15}'],
  ])("does without a hint that is %s, even where the log was cleaned up", async (_, hint) => {
    await commitUpTo(22);
    const whole = stateOf(await readSnapshot(accessOf(store)));
    for (let version = 0; version < 20; version++)
      await store.delete(tableObject(LOCATION, `_delta_log/${logName(version)}`));
    if (hint === undefined) await store.delete(tableObject(LOCATION, "_delta_log/_last_checkpoint"));
    else await putLogFile(store, "_last_checkpoint", hint);
    expect(stateOf(await readSnapshot(accessOf(store)))).toEqual(whole);
  });

  it("is the checkpoint's where only commits before it are left", async () => {
    await commitUpTo(10);
    await store.delete(tableObject(LOCATION, `_delta_log/${logName(10)}`));
    await store.delete(tableObject(LOCATION, "_delta_log/_last_checkpoint"));
    expect(await readSnapshot(accessOf(store))).toMatchObject({ version: 10 });
  });

  it("comes from a checkpoint in parts when all are there, and not otherwise", async () => {
    await commitUpTo(10);
    const whole = stateOf(await readSnapshot(accessOf(store)));
    const [one, two] = ["1", "2"].map((part) => `checkpoint.${part.padStart(10, "0")}.0000000002.parquet`);
    await splitCheckpoint([logName(10, one), logName(10, two)]);
    expect(stateOf(await readSnapshot(accessOf(store)))).toEqual(whole);
    await store.delete(tableObject(LOCATION, `_delta_log/${logName(10, two)}`));
    await expect(readSnapshot(accessOf(store))).rejects.toThrow(/has no commit of version 0/);
  });

  it.each(["json", "parquet"])("comes from a checkpoint of version 2 in %s, with its sidecars", async (kind) => {
    await commitUpTo(10);
    const snapshot = await readSnapshot(accessOf(store));
    await splitCheckpoint(["_sidecars/a.parquet", "_sidecars/b.parquet"]);
    const name = logName(10, `checkpoint.6374b053-df23-479b-b2cf-c9c550132b49.${kind}`);
    const { protocol, metadata } = snapshot;
    const sidecars = ["a", "b"].map((file) => ({ path: `${file}.parquet`, sizeInBytes: 1 }));
    if (kind === "json") {
      const actions = [{ protocol }, { metaData: metadata }, ...sidecars.map((sidecar) => ({ sidecar }))];
      await putLogFile(store, name, serialiseActions(actions));
    } else {
      const path = utf8Column(sidecars.map((sidecar) => sidecar.path));
      const sizeInBytes = int64Column(sidecars.map((sidecar) => sidecar.sizeInBytes));
      const columns = { sidecar: structColumn(sidecars, { path, sizeInBytes }) };
      await putLogFile(store, name, encodeColumns(columns, []));
    }
    expect(stateOf(await readSnapshot(accessOf(store)))).toEqual(stateOf(snapshot));
    await store.delete(tableObject(LOCATION, "_delta_log/_sidecars/b.parquet"));
    await expect(readSnapshot(accessOf(store))).rejects.toThrow(/has no commit of version 0/);
  });

  it("has the statistics of a checkpoint that keeps them as columns only", async () => {
    await commitUpTo(1);
    const { protocol, metadata } = await readSnapshot(accessOf(store));
    const parts = [{ protocol }, { metaData: metadata }];
    await putLogFile(
      store,
      logName(1, "checkpoint.6374b053-df23-479b-b2cf-c9c550132b49.json"),
      [serialiseActions(parts), '{"sidecar":{"path":"a.parquet","sizeInBytes":1}}'].join(""),
    );
    const bounds = (label: string, offset: number) =>
      structColumn([0], {
        label: utf8Column([label]),
        captured_at: timestampColumn([1_700_000_000_123]),
        source_offset: int64Column([offset]),
      });
    const add = structColumn([0], {
      path: utf8Column(["a"]),
      partitionValues: mapColumn([{ model: "m" }]),
      size: int64Column([5]),
      modificationTime: int64Column([6]),
      dataChange: boolColumn([true]),
      stats_parsed: structColumn([0], {
        numRecords: int64Column([7]),
        minValues: bounds("a", 3),
        maxValues: bounds("b", 2 ** 60),
        nullCount: structColumn([0], { label: int64Column([2]) }),
      }),
    });
    await putLogFile(store, "_sidecars/a.parquet", encodeColumns({ add }, []));
    const [file] = (await readSnapshot(accessOf(store))).files.values();
    expect(recordCountOf(file!)).toBe(7);
    const captured_at = "2023-11-14T22:13:20.123Z";
    expect(JSON.parse(file!.stats!)).toEqual({
      numRecords: 7,
      minValues: { label: "a", captured_at, source_offset: 3 },
      // No number tells an integer of this size from its neighbours: it would be a wrong bound.
      maxValues: { label: "b", captured_at },
      nullCount: { label: 2 },
    });
  });

  it.each([
    { json: "false", struct: "true", columns: ["stats_parsed", "partitionValues_parsed"] },
    { json: "true", struct: "true", columns: ["stats", "stats_parsed", "partitionValues_parsed"] },
    { json: "true", struct: "false", columns: ["stats"] },
  ])("comes back with the statistics that checkpoints keep as the table asks: $columns", async (asked) => {
    const stats = {
      numRecords: 3,
      minValues: { path: "s3://a/ä", captured_at: "2026-03-01T07:00:00.123Z", source_offset: 5 },
      maxValues: { path: "s3://a/ü", captured_at: "2026-03-01T08:00:00.000Z", source_offset: 7, width: 640 },
      nullCount: { path: 0, label: 3 },
    };
    const { metadata } = await readSnapshot(accessOf(store));
    const configuration = {
      ...metadata.configuration,
      "delta.checkpoint.writeStatsAsJson": asked.json,
      "delta.checkpoint.writeStatsAsStruct": asked.struct,
    };
    const adds = [{ add: { ...addOf("a"), stats: JSON.stringify(stats) } }, { add: { ...addOf("b"), stats: null } }];
    await commitActions([{ metaData: { ...metadata, configuration } }, ...adds]);
    const before = stateOf(await readSnapshot(accessOf(store)));
    await writeCheckpoint(accessOf(store), await readSnapshot(accessOf(store)));
    const checkpoint = tableObject(LOCATION, `_delta_log/${logName(1, "checkpoint.parquet")}`);
    const rows = decodeRows((await store.get(checkpoint, { bytesMax: 1e6 })).bytes, ["add"]);
    const file = rows.find(({ add }) => (add as { path: string } | null)?.path === "a")?.add as Record<string, unknown>;
    const kept = ["stats", "stats_parsed", "partitionValues_parsed"].filter((name) => file[name] !== undefined);
    expect(kept).toEqual(asked.columns);
    if (asked.struct === "true") {
      expect(file.partitionValues_parsed).toEqual({ model: "m", run: "live", dt: "2026-03-01" });
    }
    for (const version of [0, 1]) await store.delete(tableObject(LOCATION, `_delta_log/${logName(version)}`));
    const after = await readSnapshot(accessOf(store));
    expect(stateOf(after)).toMatchObject({ version: before.version });
    expect([...after.files.values()].map(recordCountOf)).toEqual([3, undefined]);
    expect(JSON.parse(after.files.get("a")!.stats!)).toEqual(stats);
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
    await putLogFile(store, "00000000000000000000.00000000000000000002.compacted.json", "{}");
    await putLogFile(store, "99999999999999999999.json", "{}");
    await putLogFile(store, "00000000000000000009.json.tmp", "{}");
    await putLogFile(store, "notes.txt", "{}");
    await putLogFile(store, "_commits/00000000000000000007.json", "{}");
    expect((await readSnapshot(accessOf(store))).version).toBe(2);
  });

  it("takes commits without actions and with nothing but commitInfo, and a file of the table by any name", async () => {
    await commitUpTo(2);
    await putLogFile(store, logName(3), "");
    await putLogFile(store, logName(4), '{"commitInfo":{"operation":"OPTIMIZE"}}');
    const { bucket, prefix } = LOCATION;
    const [path] = (await readSnapshot(accessOf(store))).files.keys();
    const remove = { path: `s3a://${bucket}/${prefix}/${path}`, dataChange: true };
    await putLogFile(store, logName(5), serialiseActions([{ remove }]));
    const snapshot = await readSnapshot(accessOf(store));
    expect(snapshot.files.size).toBe(1);
    expect([...snapshot.tombstones.keys()]).toEqual([path]);
  });

  it("is refused where another place's path is removed, or a file lies outside of the table", async () => {
    await commitUpTo(1);
    await putLogFile(
      store,
      logName(2),
      '{"add":{"path":"s3://other/t/a","partitionValues":{},"size":1,"modificationTime":1,"dataChange":true}}',
    );
    await expect(readSnapshot(accessOf(store))).rejects.toThrow(/"s3:\/\/other\/t\/a" lies outside .* shallow clone/);
    await putLogFile(store, logName(2), '{"remove":{"path":"file:/t/a","dataChange":true}}');
    await expect(readSnapshot(accessOf(store))).rejects.toThrow(/removes "file:\/t\/a"/);
  });

  it("is that of the version wanted, whatever features the table had on the way there", async () => {
    await commitUpTo(1);
    const features = '"minWriterVersion":7,"readerFeatures":["variantType"],"writerFeatures":["variantType"]';
    await putLogFile(store, logName(2), `{"protocol":{"minReaderVersion":3,${features}}}`);
    await putLogFile(store, logName(3), '{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}');
    expect(await readSnapshot(accessOf(store))).toMatchObject({ version: 3 });
    await expect(readSnapshot(accessOf(store), { version: 2 })).rejects.toThrow(/feature variantType/);
  });

  it("does not exist where there is no table", async () => {
    const nowhere = { ...accessOf(store), location: { bucket: LOCATION.bucket, prefix: "elsewhere" } };
    expect(await findSnapshot(nowhere)).toBeUndefined();
    await expect(readSnapshot(nowhere)).rejects.toMatchObject({ code: "invalid-table" });
  });

  /** Puts the newest checkpoint's files into two checkpoints by halves, in its place, and cleans the log up. */
  async function splitCheckpoint(names: readonly [string, string] | readonly string[]): Promise<void> {
    const { version, protocol, metadata, txnVersions, files } = await readSnapshot(accessOf(store));
    const adds = [...files.values()];
    const halves = [adds.slice(0, adds.length / 2), adds.slice(adds.length / 2)];
    for (const [index, half] of halves.entries()) {
      const txns = Array.from(txnVersions, ([appId, appVersion]) => ({ txn: { appId, version: appVersion } }));
      const actions = [{ protocol }, { metaData: metadata }, ...txns, ...half.map((add) => ({ add }))];
      await writeCheckpoint(accessOf(store), new Snapshot(commitOf(version, actions)));
      const { bytes } = await store.get(logObject(logName(version, "checkpoint.parquet")), { bytesMax: 1_000_000 });
      await putLogFile(store, names[index]!, bytes);
    }
    await store.delete(logObject(logName(version, "checkpoint.parquet")));
    for (let cleaned = 0; cleaned < version; cleaned++) await store.delete(logObject(logName(cleaned)));
  }

  async function commitActions(actions: Action[]): Promise<void> {
    await putLogFile(store, logName(table.snapshot.version + 1), serialiseActions(actions));
    await table.advance();
  }
});

function logObject(name: string) {
  return tableObject(LOCATION, `_delta_log/${name}`);
}

function stateOf(snapshot: Snapshot) {
  return {
    version: snapshot.version,
    protocol: withoutNulls(snapshot.protocol),
    metadata: withoutNulls(snapshot.metadata),
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

/** What is absent in a commit is null in a checkpoint. */
function withoutNulls(value: object): unknown {
  return JSON.parse(JSON.stringify(value, (_, part) => part ?? undefined));
}
