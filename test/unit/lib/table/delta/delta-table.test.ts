import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { systemClock } from "#lib/runtime/clock.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import { type Commit, readCommits } from "#lib/table/delta/delta-log.ts";
import type { CommitRequest, DeltaTable } from "#lib/table/delta/delta-table.ts";
import { readSnapshot } from "#lib/table/delta/read-snapshot.ts";
import { openTable } from "#lib/table/open-table.ts";
import { tableObject } from "#lib/table/table-location.ts";
import { propertyRuns } from "../../../../property-runs.ts";
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
import { type Loss, persist, scheduled, unavailable } from "./scheduled-store.ts";

const created = { createIfAbsent: true };

describe("a table", () => {
  it("is created once, however many create it", async () => {
    const store = emptyStore();
    const tables = await Promise.all([1, 2, 3].map(() => openTable(store, LOCATION, created)));
    expect(new Set(tables.map(({ snapshot }) => snapshot.metadata.id)).size).toBe(1);
    expect(tables[0]!.snapshot).toMatchObject({ version: 0, protocol: { minReaderVersion: 1, minWriterVersion: 2 } });
    expect((await openTable(store, LOCATION)).snapshot.metadata.id).toBe(tables[0]!.snapshot.metadata.id);
  });

  it("is not created unasked", async () => {
    await expect(openTable(emptyStore(), LOCATION)).rejects.toMatchObject({ code: "invalid-table" });
  });

  it("is refused to a writer where a store ignores If-None-Match, at creation and later, and is left as it was", async () => {
    const store = emptyStore();
    const careless: ObjectStore = {
      ...store,
      putIfAbsent: async (location, body) => {
        await store.put(location, body);
        return true;
      },
    };
    const refusal = { code: "invalid-config", message: expect.stringContaining("ignores If-None-Match") };
    await expect(openTable(careless, LOCATION, created)).rejects.toMatchObject(refusal);
    const table = await openTable(store, LOCATION, created);
    await table.commit(requestOf(table, ["a"], [addOf("kept")]));
    const before = await logBytes(store);
    await expect(openTable(careless, LOCATION, created)).rejects.toMatchObject(refusal);
    expect(await logBytes(store)).toEqual(before);
  });

  it("is opened by a reader without a write", async () => {
    const store = emptyStore();
    await openTable(store, LOCATION, created);
    const refuse = () => expect.unreachable("a reader must not write");
    await openTable({ ...store, put: refuse, putIfAbsent: refuse, delete: refuse }, LOCATION);
  });

  it("is refused when its columns are not those of photo rows", async () => {
    const store = emptyStore();
    const schemaString = JSON.stringify({ type: "struct", fields: [{ name: "path", type: "long" }] });
    const metaData = { id: "x", format: { provider: "parquet" }, schemaString, partitionColumns: [] };
    const protocol = { minReaderVersion: 1, minWriterVersion: 2 };
    await putLogFile(store, logName(0), `${JSON.stringify({ protocol })}\n${JSON.stringify({ metaData })}\n`);
    await expect(openTable(store, LOCATION)).rejects.toThrow(/column "path" must be "string", got "long"/);
  });
});

describe("a commit", () => {
  it("becomes the next version, with its files and its applications' versions", async () => {
    const store = emptyStore();
    const table = await openTable(store, LOCATION, created);
    const result = await table.commit(requestOf(table, ["offsets 0"], [addOf("a"), addOf("b")]));
    expect(result).toEqual({ outcome: "committed", version: 1, others: [] });
    const { snapshot } = await openTable(store, LOCATION);
    expect([...snapshot.files.keys()]).toEqual(["a", "b"]);
    expect(Object.fromEntries(snapshot.txnVersions)).toEqual({ "offsets 0": 1 });
  });

  it("goes after those of other writers, and hands them over", async () => {
    const store = emptyStore();
    const [one, two] = await Promise.all([openTable(store, LOCATION, created), openTable(store, LOCATION, created)]);
    await one.commit(requestOf(one, ["a"], [addOf("first")]));
    await one.commit(requestOf(one, ["a"], [addOf("second")]));
    const result = await two.commit(requestOf(two, ["b"], [addOf("third")]));
    expect(result).toMatchObject({ outcome: "committed", version: 3 });
    expect(result.others.map(({ adds }) => adds[0]?.path)).toEqual(["first", "second"]);
    expect((await one.advance()).map(({ version }) => version)).toEqual([3]);
    expect(await one.advance()).toEqual([]);
  });

  it("is fenced when another writer moved one of its applications, and writes nothing", async () => {
    const store = emptyStore();
    const [one, two] = await Promise.all([openTable(store, LOCATION, created), openTable(store, LOCATION, created)]);
    const stale = requestOf(two, ["a", "b"], [addOf("never")]);
    await one.commit(requestOf(one, ["b"], [addOf("first")]));
    const result = await two.commit(stale);
    expect(result).toMatchObject({ outcome: "fenced", appId: "b", expected: undefined, actual: 1 });
    expect(result.others.map(({ version }) => version)).toEqual([1]);
    expect(await two.commit(stale)).toMatchObject({ outcome: "fenced", others: [] });
    expect((await openTable(store, LOCATION)).snapshot.version).toBe(1);
  });

  it("counts as committed when only the reply was lost", async () => {
    const store = emptyStore();
    const deaf = {
      ...store,
      putIfAbsent: async (...put: Parameters<ObjectStore["putIfAbsent"]>) => {
        await store.putIfAbsent(...put);
        return false;
      },
    };
    const table = await openTable(deaf, LOCATION, created);
    const result = await table.commit(requestOf(table, ["a"], [addOf("once")]));
    expect(result).toEqual({ outcome: "committed", version: 1, others: [] });
    expect(await table.advance()).toEqual([]);
  });

  it("is written once when repeated after an unclear failure, even behind others' commits", async () => {
    const store = emptyStore();
    const other = await openTable(store, LOCATION, created);
    let failing = true;
    const table = await openTable(
      {
        ...store,
        putIfAbsent: async (...put) => {
          const won = await store.putIfAbsent(...put);
          if (failing) throw unavailable();
          return won;
        },
      },
      LOCATION,
    );
    const request = requestOf(table, ["a"], [addOf("once")]);
    await expect(table.commit(request)).rejects.toMatchObject({ code: "store-unavailable" });
    await other.commit(requestOf(other, ["b"], [addOf("other")]));
    failing = false;
    const repeated = await table.commit(request);
    expect(repeated).toMatchObject({ outcome: "committed", version: 1 });
    expect(repeated.others.map(({ version }) => version)).toEqual([2]);
    expect(await table.commit(request)).toEqual({ outcome: "committed", version: 1, others: [] });
    expect((await openTable(store, LOCATION)).snapshot.version).toBe(2);
  });

  it("gives up with store-unavailable when the store denies both the write and the version", async () => {
    const store = emptyStore();
    await openTable(store, LOCATION, created);
    const table = await openTable({ ...store, putIfAbsent: async () => false }, LOCATION);
    await expect(table.commit(requestOf(table, ["a"]))).rejects.toMatchObject({ code: "store-unavailable" });
  });

  const raiseTo = (features: string, configuration = {}) => {
    const protocol = `{"protocol":{"minReaderVersion":1,"minWriterVersion":7,"writerFeatures":[${features}]}}`;
    return async (store: ObjectStore, table: DeltaTable) => {
      const metaData = { ...table.snapshot.metadata, configuration };
      await putLogFile(store, logName(1), `${protocol}\n${JSON.stringify({ metaData })}`);
    };
  };

  it("is refused once another tool has turned a feature on that nobody here writes", async () => {
    const store = emptyStore();
    const table = await openTable(store, LOCATION, created);
    await raiseTo('"appendOnly","rowTracking"')(store, table);
    await expect(table.commit(requestOf(table, ["a"]))).rejects.toThrow(
      /feature rowTracking: .*DROP FEATURE rowTracking/,
    );
    expect(await store.head(tableObject(LOCATION, `_delta_log/${logName(2)}`))).toBeUndefined();
  });

  it("is made, with checkpoints as often as the table says, when another tool has turned harmless features on", async () => {
    const store = emptyStore();
    const table = await openTable(store, LOCATION, created);
    const features = '"appendOnly","invariants","checkpointProtection","changeDataFeed","domainMetadata"';
    await raiseTo(features, { "delta.checkpointInterval": "4", "delta.appendOnly": "true" })(store, table);
    await table.advance();
    await putLogFile(store, logName(2), '{"domainMetadata":{"domain":"other","configuration":"{}","removed":false}}');
    for (let version = 3; version <= 9; version++) await table.commit(requestOf(table, ["a"]));
    const hasCheckpoint = async (version: number) =>
      (await store.head(tableObject(LOCATION, `_delta_log/${logName(version, "checkpoint.parquet")}`))) !== undefined;
    expect(await Promise.all([2, 4, 6, 8].map(hasCheckpoint))).toEqual([false, true, false, true]);
    for (let version = 0; version < 8; version++)
      await store.delete(tableObject(LOCATION, `_delta_log/${logName(version)}`));
    const { protocol, domains } = await readSnapshot(accessOf(store));
    expect(protocol.writerFeatures).toEqual(JSON.parse(`[${features}]`));
    expect([...domains.keys()]).toEqual(["other"]);
  });

  it("is refused, with nothing written, while a property of the table can't be understood", async () => {
    const store = emptyStore();
    const table = await openTable(store, LOCATION, created);
    await raiseTo('"appendOnly"', { "delta.checkpointInterval": "often" })(store, table);
    await table.advance();
    await expect(table.commit(requestOf(table, ["a"]))).rejects.toThrow(/delta.checkpointInterval must be .* "often"/);
    expect(await store.head(tableObject(LOCATION, `_delta_log/${logName(2)}`))).toBeUndefined();
  });

  it("is not made on a table that another tool has made unreadable, and nothing is handed over", async () => {
    const store = emptyStore();
    const table = await openTable(store, LOCATION, created);
    await table.commit(requestOf(table, ["a"], [addOf("a")]));
    const deletionVector = { storageType: "u", pathOrInlineDv: "x", sizeInBytes: 1, cardinality: 1 };
    await putLogFile(store, logName(2), JSON.stringify({ add: { ...addOf("a"), deletionVector } }));
    await expect(table.advance()).rejects.toThrow(/feature deletionVectors: rows of "a"/);
    await expect(table.commit(requestOf(table, ["a"]))).rejects.toThrow(/feature deletionVectors/);
    expect(table.snapshot.version).toBe(1);
  });

  it("is refused once another tool lets offsets expire, also when the table is opened to be written to", async () => {
    const store = emptyStore();
    const table = await openTable(store, LOCATION, created);
    const configuration = { "delta.setTransactionRetentionDuration": "interval 1 days" };
    await putLogFile(store, logName(1), JSON.stringify({ metaData: { ...table.snapshot.metadata, configuration } }));
    const refusal = /setTransactionRetentionDuration \(interval 1 days\) .* UNSET TBLPROPERTIES/;
    await expect(table.commit(requestOf(table, ["a"]))).rejects.toThrow(refusal);
    await expect(openTable(store, LOCATION, created)).rejects.toThrow(refusal);
    await openTable(store, LOCATION);
  });

  it("keeps when a txn was written, in checkpoints too", async () => {
    const store = emptyStore();
    const clock = { ...systemClock, nowMs: () => 1_700_000_000_000 };
    const table = await openTable(store, LOCATION, { ...created, clock });
    for (let version = 1; version <= 10; version++) await table.commit(requestOf(table, ["a"]));
    await store.delete(tableObject(LOCATION, `_delta_log/${logName(9)}`));
    const { txns } = await readSnapshot(accessOf(store));
    expect([...txns.values()]).toMatchObject([{ appId: "a", version: 10, lastUpdated: 1_700_000_000_000 }]);
  });

  it("stands, with a warning, when its checkpoint can't be written", async () => {
    const store = emptyStore();
    const { logger, warnings } = warningsOf();
    const readOnly = { ...store, put: async () => Promise.reject(unavailable()) };
    const table = await openTable(readOnly, LOCATION, { ...created, logger });
    for (let version = 1; version <= 11; version++) await table.commit(requestOf(table, ["a"]));
    expect(table.snapshot.version).toBe(11);
    expect(warnings).toEqual(["table_checkpoint_failed"]);
    expect((await openTable(store, LOCATION)).snapshot.version).toBe(11);
  });

  it("is made once or never, whoever races and whatever replies are lost", { timeout: 60_000 }, async () => {
    const writers = fc.array(fc.subarray(["p0", "p1", "p2", "p3"], { minLength: 1 }), { minLength: 2, maxLength: 4 });
    const losses = fc.infiniteStream(fc.constantFrom<Loss>("none", "none", "none", "reply", "request", "answer"));
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), writers, losses, async (scheduler, appIdsOfWriters, lossStream) => {
        const store = emptyStore();
        await openTable(store, LOCATION, created);
        const slow = scheduled(store, scheduler, () => lossStream.next().value);
        const races = appIdsOfWriters.map((appIds) => race(slow, appIds));
        const outcomes = (await scheduler.waitFor(Promise.all(races))).flat();
        const commits = await logOf(store);
        for (const { request, outcome, seen } of outcomes) {
          const versions = commits.filter((commit) => commit.commitInfo?.txnId === request.commitId);
          expect(versions).toHaveLength(outcome === "committed" ? 1 : 0);
          expect(seen).toEqual(commits.slice(1, seen.length + 1).map(({ version }) => version));
        }
        for (const appId of ["p0", "p1", "p2", "p3"]) {
          const moves = commits.flatMap(({ txns }) => txns.filter((txn) => txn.appId === appId));
          expect(moves.map(({ version }) => version)).toEqual(moves.map((_, index) => index + 1));
        }
      }),
      propertyRuns(60),
    );
  });
});

interface Window {
  readonly request: CommitRequest;
  readonly outcome: string;
  /** The versions handed over to the writer up to the end of its race, its own included. */
  readonly seen: number[];
}

/** Three windows of one writer, each repeated until its outcome is clear; fenced ones are dropped. */
async function race(store: ObjectStore, appIds: readonly string[]): Promise<Window[]> {
  const table = await persist(() => openTable(store, LOCATION));
  const windows: Window[] = [];
  const seen: number[] = Array.from({ length: table.snapshot.version }, (_, index) => index + 1);
  for (let window = 0; window < 3; window++) {
    const request = requestOf(table, appIds);
    const result = await persist(() => table.commit(request));
    seen.push(...result.others.map(({ version }) => version));
    if (result.outcome === "committed") seen.push(result.version);
    windows.push({ request, outcome: result.outcome, seen });
  }
  seen.sort((a, b) => a - b);
  return windows;
}

async function logBytes(store: ObjectStore): Promise<Map<string, Uint8Array>> {
  const bytes = new Map<string, Uint8Array>();
  for await (const { key } of store.list(LOCATION.bucket, LOCATION.prefix)) {
    bytes.set(key, (await store.get({ bucket: LOCATION.bucket, key }, { bytesMax: 1_000_000 })).bytes);
  }
  return bytes;
}

async function logOf(store: ObjectStore): Promise<Commit[]> {
  const { version } = (await openTable(store, LOCATION)).snapshot;
  const commits: Commit[] = [];
  for await (const commit of readCommits(accessOf(store), -1, version)) commits.push(commit);
  return commits;
}
