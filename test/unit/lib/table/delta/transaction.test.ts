import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import type { AddFile } from "#lib/table/delta/actions.ts";
import { readCommit } from "#lib/table/delta/delta-log.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import type { TableTransaction, TransactionResult } from "#lib/table/delta/transaction.ts";
import { openTable } from "#lib/table/open-table.ts";
import { propertyRuns } from "../../../../property-runs.ts";
import { accessOf, addOf, emptyStore, LOCATION, logName, putLogFile, requestOf } from "../table-fixtures.ts";
import { type Loss, persist, scheduled } from "./scheduled-store.ts";

let store: ObjectStore;
let table: DeltaTable;
let other: DeltaTable;
beforeEach(async () => {
  store = emptyStore();
  table = await openTable(store, LOCATION, { createIfAbsent: true });
  await table.commit(requestOf(table, ["p0"], [addOf("a"), addOf("b"), addOf("c")]));
  other = await openTable(store, LOCATION);
});

describe("a transaction", () => {
  it("removes and adds files in one version, which says what it read and what it did", async () => {
    const result = await table.transact(rewriteOf(table, ["a", "b"], "ab"));
    expect(result).toEqual({ outcome: "committed", version: 2, others: [] });
    expect([...(await openTable(store, LOCATION)).snapshot.files.keys()]).toEqual(["c", "ab"]);
    const { removes, adds, commitInfo } = (await readCommit(accessOf(store), 2))!;
    expect(removes.map(({ path }) => path)).toEqual(["a", "b"]);
    expect(removes[0]).toMatchObject({ dataChange: false, extendedFileMetadata: true, size: 1 });
    expect(removes[0]!.partitionValues).toEqual(addOf("a").partitionValues);
    expect(adds[0]!.dataChange).toBe(false);
    expect(commitInfo).toMatchObject({
      operation: "OPTIMIZE",
      operationParameters: { predicate: "[]", auto: "false" },
      operationMetrics: { numAddedFiles: "1", numRemovedFiles: "2", numRemovedBytes: "2", numFiles: "7" },
      readVersion: 1,
      isolationLevel: "SnapshotIsolation",
      isBlindAppend: false,
      engineInfo: "fruitstream",
    });
  });

  it("of a reducer's window says that it is a blind append", async () => {
    expect((await readCommit(accessOf(store), 1))!.commitInfo).toMatchObject({
      operation: "STREAMING UPDATE",
      operationParameters: { mode: "Append" },
      operationMetrics: { numAddedFiles: "3", numOutputRows: "3", numOutputBytes: "3" },
      readVersion: 0,
      isolationLevel: "WriteSerializable",
      isBlindAppend: true,
    });
  });

  it("rewrites rows of an append-only table, and deletes none", async () => {
    const metaData = { ...table.snapshot.metadata, configuration: { "delta.appendOnly": "true" } };
    await putLogFile(store, logName(2), JSON.stringify({ metaData }));
    await table.advance();
    const rewrite = rewriteOf(table, ["a", "b"], "ab");
    await expect(table.transact({ ...rewrite, dataChange: true })).rejects.toThrow(
      /is append-only \(delta.appendOnly\)/,
    );
    expect(await table.transact(rewrite)).toMatchObject({ outcome: "committed", version: 3 });
  });

  it("goes after appends of others, even to the partitions that it rewrites", async () => {
    const rewrite = rewriteOf(table, ["a", "b"], "ab");
    await other.commit(requestOf(other, ["p1"], [addOf("d")]));
    expect(await table.transact(rewrite)).toMatchObject({ outcome: "committed", version: 3 });
    expect([...table.snapshot.files.keys()].sort()).toEqual(["ab", "c", "d"]);
  });

  it("lets others append while they add no column, and does not hold them up", async () => {
    const append = requestOf(other, ["p1"], [addOf("d")]);
    await table.transact(rewriteOf(table, ["a", "b"], "ab"));
    expect(await other.commit(append)).toMatchObject({ outcome: "committed", version: 3 });
  });

  it("sets the metadata, and moves txns, with the files", async () => {
    const planned = table.plan();
    const metadata = { ...planned.metadata, configuration: { "delta.appendOnly": "false" } };
    const operation = { name: "SET TBLPROPERTIES", parameters: { properties: metadata.configuration } };
    const txns = [{ appId: "guard", base: undefined, version: 1 }];
    await table.transact({ commitId: randomUUID(), operation, reads: { planned }, adds: [], metadata, txns });
    const { snapshot } = await openTable(store, LOCATION);
    expect(snapshot.metadata.configuration).toEqual(metadata.configuration);
    expect(snapshot.txnVersions.get("guard")).toBe(1);
  });

  it("is committed once when it is repeated after an unclear failure", async () => {
    let deaf = true;
    const hardOfHearing = await openTable(
      {
        ...store,
        putIfAbsent: async (...put) => {
          const won = await store.putIfAbsent(...put);
          if (deaf) throw new FruitstreamError("store-unavailable", "no answer");
          return won;
        },
      },
      LOCATION,
    );
    const rewrite = rewriteOf(hardOfHearing, ["a"], "a2");
    await expect(hardOfHearing.transact(rewrite)).rejects.toMatchObject({ code: "store-unavailable" });
    deaf = false;
    expect(await hardOfHearing.transact(rewrite)).toMatchObject({ outcome: "committed", version: 2 });
    expect([...hardOfHearing.snapshot.files.keys()]).toEqual(["b", "c", "a2"]);
  });
});

describe("a transaction is in conflict, and writes nothing, by", () => {
  it("ConcurrentDeleteDelete, where another has removed one of its files", async () => {
    const rewrite = rewriteOf(table, ["a", "b"], "ab");
    await other.transact(rewriteOf(other, ["b", "c"], "bc"));
    await expectConflict(await table.transact(rewrite), "ConcurrentDeleteDelete", "b");
  });

  it("ConcurrentDeleteDelete, where a file's path has other rows by now", async () => {
    const rewrite = rewriteOf(table, ["a"], "a2");
    await other.transact(rewriteOf(other, ["a"], "a"));
    await expectConflict(await table.transact(rewrite), "ConcurrentDeleteDelete", "a");
  });

  it("ConcurrentDeleteRead, where another has removed a file that it read", async () => {
    const rewrite = rewriteOf(table, ["a"], "a2");
    const reads = { ...rewrite.reads!, files: [table.snapshot.files.get("b")!] };
    await other.transact(rewriteOf(other, ["b"], "b2"));
    await expectConflict(await table.transact({ ...rewrite, reads }), "ConcurrentDeleteRead", "b");
  });

  it("ConcurrentAppend, where another has added rows to a partition that it reads, and only there", async () => {
    const readsRun = (run: string) => ({
      ...rewriteOf(table, ["a"], `a in ${run}`),
      reads: { planned: table.plan(), newFiles: (values: AddFile["partitionValues"]) => values.run === run },
    });
    const [live, replay] = [readsRun("live"), readsRun("replay")];
    await other.commit(requestOf(other, ["p1"], [addOf("d")]));
    await expectConflict(await table.transact(live), "ConcurrentAppend", "d");
    expect(await table.transact(replay)).toMatchObject({ outcome: "committed" });
  });

  it("MetadataChanged and ProtocolChanged, where a tool has changed them", async () => {
    const { metadata } = table.snapshot;
    const changed = { ...metadata, configuration: { "delta.checkpointInterval": "7" } };
    const rewrite = rewriteOf(table, ["a"], "a2");
    await putLogFile(store, logName(2), JSON.stringify({ metaData: changed }));
    await expectConflict(await table.transact(rewrite), "MetadataChanged", "version 1");
    const later = rewriteOf(table, ["a"], "a2");
    await putLogFile(store, logName(3), '{"protocol":{"minReaderVersion":1,"minWriterVersion":1}}');
    await expectConflict(await table.transact(later), "ProtocolChanged", "version 2");
  });

  it("ConcurrentTransaction, where another has moved one of its txns", async () => {
    const guard = (base: number | undefined) => [{ appId: "guard", base, version: (base ?? 0) + 1 }];
    const rewrite = { ...rewriteOf(table, ["a"], "a2"), txns: guard(undefined) };
    await other.transact({ ...rewriteOf(other, ["b"], "b2"), txns: guard(undefined) });
    const moved = { appId: "guard", expected: undefined, actual: 1 };
    const result = await table.transact(rewrite);
    expect(result).toMatchObject({ outcome: "conflict", conflict: { name: "ConcurrentTransaction", moved } });
    expect(table.snapshot.files.has("a")).toBe(true);
  });
});

it("neither loses nor doubles a row, whoever appends, compacts and deletes at once", { timeout: 60_000 }, async () => {
  const kinds = fc.array(fc.constantFrom("append", "compact", "delete"), { minLength: 2, maxLength: 5 });
  const losses = fc.infiniteStream(fc.constantFrom<Loss>("none", "none", "none", "reply", "request"));
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), kinds, losses, async (scheduler, writers, lossStream) => {
      const world = new World(await storeWithTable(), scheduler, () => lossStream.next().value);
      await scheduler.waitFor(Promise.all(writers.map((kind, writer) => world.work(kind, writer))));
      expect(await world.rows()).toEqual(world.expected());
    }),
    propertyRuns(100),
  );
});

/** A compaction of files into one, as `table` has them now. */
function rewriteOf(table: DeltaTable, paths: readonly string[], into: string): TableTransaction {
  const planned = table.plan();
  return {
    commitId: randomUUID(),
    operation: { name: "OPTIMIZE", parameters: { predicate: "[]", auto: false }, metrics: { numFiles: 7 } },
    reads: { planned },
    removes: paths.map((path) => planned.files.get(path)!),
    adds: [{ ...addOf(into), modificationTime: 1 }],
    dataChange: false,
  };
}

async function expectConflict(result: TransactionResult, name: string, told: string): Promise<void> {
  const detail = expect.stringContaining(told);
  expect(result).toMatchObject({ outcome: "conflict", conflict: { name, detail } });
  expect((await openTable(store, LOCATION)).snapshot.version).toBe(table.snapshot.version);
}

async function storeWithTable(): Promise<ObjectStore> {
  const empty = emptyStore();
  await openTable(empty, LOCATION, { createIfAbsent: true });
  return empty;
}

/** Writers of a table whose rows are numbers; what a file holds is known by its path. */
class World {
  readonly #store: ObjectStore;
  readonly #slow: ObjectStore;
  readonly #rowsOf = new Map<string, readonly number[]>();
  readonly #appended: number[] = [];
  readonly #deleted = new Set<number>();

  constructor(store: ObjectStore, scheduler: fc.Scheduler, nextLoss: () => Loss) {
    this.#store = store;
    this.#slow = scheduled(store, scheduler, nextLoss);
  }

  async work(kind: string, writer: number): Promise<void> {
    const table = await persist(() => openTable(this.#slow, LOCATION));
    for (let step = 0; step < 3; step++) {
      if (kind === "append") await this.#append(table, writer, step);
      else await this.#rewrite(table, kind === "delete", writer * 10 + step);
    }
  }

  async rows(): Promise<number[]> {
    const { files } = (await openTable(this.#store, LOCATION)).snapshot;
    return [...files.keys()].flatMap((path) => this.#rowsOf.get(path)!).sort((a, b) => a - b);
  }

  expected(): number[] {
    return this.#appended.filter((row) => !this.#deleted.has(row)).sort((a, b) => a - b);
  }

  async #append(table: DeltaTable, writer: number, step: number): Promise<void> {
    const rows = [0, 1, 2].map((row) => writer * 100 + step * 10 + row);
    const request = requestOf(table, [`p${writer}`], [this.#file(rows)]);
    expect(await persist(() => table.commit(request))).toMatchObject({ outcome: "committed" });
    this.#appended.push(...rows);
  }

  /** Joins all files; a deletion leaves out the first row. */
  async #rewrite(table: DeltaTable, isDelete: boolean, key: number): Promise<void> {
    await persist(() => table.advance());
    const planned = table.plan();
    const removes = [...planned.files.values()].slice(0, 3);
    const [first, ...rest] = removes.flatMap(({ path }) => this.#rowsOf.get(path)!);
    if (first === undefined) return;
    const result = await persist(() =>
      table.transact({
        commitId: `rewrite ${key}`,
        operation: { name: isDelete ? "DELETE" : "OPTIMIZE", parameters: {} },
        reads: { planned },
        removes,
        adds: [this.#file(isDelete ? rest : [first, ...rest])],
        dataChange: isDelete,
      }),
    );
    if (isDelete && result.outcome === "committed") this.#deleted.add(first);
  }

  #file(rows: readonly number[]): AddFile {
    const path = randomUUID();
    this.#rowsOf.set(path, rows);
    return addOf(path);
  }
}
