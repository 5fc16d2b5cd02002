import { randomUUID } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import type { ObjectStore } from "#lib/store/object-store.ts";
import { type AddFile, serialiseActions } from "#lib/table/delta/actions.ts";
import { writeCheckpoint } from "#lib/table/delta/checkpoint.ts";
import { commitPath } from "#lib/table/delta/delta-log.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { readSnapshot } from "#lib/table/delta/read-snapshot.ts";
import { openTable } from "#lib/table/open-table.ts";
import { fingerprintOf } from "#lib/table/photo-version.ts";
import { PhotoVersions, type PhotoVersionsOptions } from "#lib/table/photo-versions.ts";
import { writeRows } from "#lib/table/table-files.ts";
import { tableObject } from "#lib/table/table-location.ts";
import { photoRow } from "./photo-rows.ts";
import { emptyStore, LOCATION, logName, warningsOf } from "./table-fixtures.ts";

const OPTIONS = { featuresTopic: "features", featuresPartitions: 2, sharedBy: 2, countMax: 100, ageMsMax: 1e15 };
const CHECKPOINTS = tableObject(LOCATION, "_fruitstream/photo-versions/");

let memory: ObjectStore;
let store: ObjectStore;
/** Names of the data files that were read. */
let read: string[];
beforeEach(() => {
  memory = emptyStore();
  read = [];
  store = {
    ...memory,
    get: async (object, options) => {
      if (object.key.endsWith(".zstd.parquet")) read.push(object.key.slice(LOCATION.prefix.length + 1));
      return memory.get(object, options);
    },
  };
});

describe("what a new owner knows", () => {
  test("is what the table has of its partitions: from a checkpoint, and of later files from those that may have some", async () => {
    const table = await openTable(store, LOCATION, { createIfAbsent: true });
    const first = await ownerOf(table, [0, 1]);
    for (let photo = 0; photo < 100; photo++) await commitAndTell(table, first, [photo]);
    const [even, odd] = [await append(table, [100]), await append(table, [101])];

    read = [];
    const second = await ownerOf(await openTable(store, LOCATION), [0]);
    // The hundredth commit was followed by a checkpoint of each partition that had some rows of it.
    expect(knownOf(second, 0)).toEqual(photosUpTo(102).filter((photo) => photo % 2 === 0));
    expect(knownOf(second, 1)).toEqual([]);
    expect(read).toContain(even.path);
    expect(read).not.toContain(odd.path);
  });

  test("leaves out rows of another tool that name no photo or etag, with a warning", async () => {
    const { logger, warnings } = warningsOf();
    const table = await openTable(store, LOCATION, { createIfAbsent: true, logger });
    await append(table, [0]);
    const nameless = [photoRow({ path: null as never }), photoRow({ photoEtag: null as never })];
    await table.commit({
      ...{ commitId: randomUUID(), operation: "WRITE", txns: [], baseTxns: new Map() },
      adds: await writeRows(table, nameless),
    });
    expect(knownOf(await ownerOf(table, [0]), 0)).toEqual([0]);
    expect(warnings).toEqual(["rows_without_photo_version"]);
  });

  test("is read from all rows where there is no checkpoint, or none that can be used", async () => {
    const table = await openTable(store, LOCATION, { createIfAbsent: true });
    for (const photo of photosUpTo(6)) await append(table, [photo]);
    await ownerOf(table, [0]);
    const [key] = await checkpoints();
    const bytes = Buffer.from((await memory.get({ ...CHECKPOINTS, key: key! }, { bytesMax: 1e6 })).bytes);
    bytes[bytes.length >> 1]! ^= 1;
    await memory.put({ ...CHECKPOINTS, key: key! }, bytes);
    const { logger, warnings } = warningsOf();
    expect(knownOf(await ownerOf(await openTable(store, LOCATION, { logger }), [0]), 0)).toEqual([0, 2, 4]);
    expect(warnings).toEqual(["photo_versions_checkpoint_unusable"]);
  });

  test("is read from all rows where the log was cleaned behind the checkpoint", async () => {
    const table = await openTable(store, LOCATION, { createIfAbsent: true });
    await append(table, [0]);
    await ownerOf(table, [0]);
    for (let photo = 1; photo < 25; photo++) await append(table, [photo]);
    await writeCheckpoint(table, await readSnapshot(table));
    for (let version = 0; version < 20; version++)
      await memory.delete(tableObject(LOCATION, `_delta_log/${logName(version)}`));
    const { logger, warnings } = warningsOf();
    const owner = await ownerOf(await openTable(store, LOCATION, { logger }), [0]);
    expect(knownOf(owner, 0)).toEqual(photosUpTo(25).filter((photo) => photo % 2 === 0));
    expect(warnings).toEqual(["log_cleaned_behind_photo_versions"]);
  });

  test("is nothing of a table that was removed, whose checkpoints are still there", async () => {
    const table = await openTable(store, LOCATION, { createIfAbsent: true });
    await append(table, [0]);
    await ownerOf(table, [0]);
    const { bucket, key } = tableObject(LOCATION, "_delta_log/");
    for await (const file of memory.list(bucket, key)) await memory.delete({ bucket, key: file.key });
    const again = await openTable(store, LOCATION, { createIfAbsent: true });
    await append(again, [2]);
    expect(knownOf(await ownerOf(again, [0]), 0)).toEqual([2]);
  });

  test("is of the latest photos where there are more than may be remembered, of files read in the order of time", async () => {
    const table = await openTable(store, LOCATION, { createIfAbsent: true });
    for (const photo of [8, 0, 6, 2, 4, 12, 10]) await append(table, [photo]);
    const owner = await ownerOf(table, [0], { countMax: 3 });
    expect(knownOf(owner, 0).at(-1)).toBe(12);
    expect(knownOf(owner, 0).length).toBeLessThanOrEqual(3);
    const young = await ownerOf(table, [0], { ageMsMax: table.clock.nowMs() - ingestedAtMs(9) });
    expect(knownOf(young, 0)).toEqual([10, 12]);
  });
});

describe("what others commit", () => {
  test("by compaction changes nothing and is not read", async () => {
    const table = await openTable(store, LOCATION, { createIfAbsent: true });
    const added = await append(table, [0, 2]);
    const owner = await ownerOf(table, [0]);
    read = [];
    await compact(added);
    await owner.seen(await table.advance());
    expect(knownOf(owner, 0)).toEqual([0, 2]);
    expect(read).toEqual([]);
  });

  test("by deleting rows makes way for these photos again", async () => {
    const table = await openTable(store, LOCATION, { createIfAbsent: true });
    const [gone] = [await append(table, [0]), await append(table, [2])];
    const owner = await ownerOf(table, [0]);
    owner.add(0, photo(4), ingestedAtMs(4));
    await write([{ remove: { path: gone.path, deletionTimestamp: 1, dataChange: true } }]);
    await owner.seen(await table.advance());
    // What the open window has is known all the same.
    expect(knownOf(owner, 0)).toEqual([2, 4]);
  });

  test("with another tool is known, with another reducer of other partitions is not even read", async () => {
    const table = await openTable(store, LOCATION, { createIfAbsent: true });
    const owner = await ownerOf(table, [0]);
    const [foreign] = await writeRows(table, [rowOf(0)]);
    await write([{ add: foreign! }]);
    const [ours] = await writeRows(table, [rowOf(2), rowOf(3)]);
    await write([{ add: ours! }, { txn: { appId: "fruitstream/offset/features/1", version: 9 } }]);
    read = [];
    await owner.seen(await table.advance());
    expect(knownOf(owner, 0)).toEqual([0]);
    expect(read).toEqual([foreign!.path]);
  });
});

test("behind whom the log was cleaned up, knows what was deleted and added meanwhile", async () => {
  let table = await openTable(store, LOCATION, { createIfAbsent: true });
  const [gone] = [await append(table, [0]), await append(table, [2])];
  table = await openTable(store, LOCATION);
  const owner = await ownerOf(table, [0]);
  const other = await openTable(store, LOCATION, { createIfAbsent: true });
  await write([{ remove: { path: gone.path, deletionTimestamp: 1, dataChange: true } }]);
  await other.advance();
  const another = await ownerOf(other, []);
  for (let number = 0; number < 20; number++) await commitAndTell(other, another, []);
  for (let version = 0; version < 20; version++)
    await memory.delete(tableObject(LOCATION, `_delta_log/${logName(version)}`));
  await commitAndTell(table, owner, [4]);
  expect(table.snapshot.version).toBe(other.snapshot.version + 1);
  expect(knownOf(owner, 0)).toEqual([2, 4]);
});

describe("an open window", () => {
  test("is forgotten with the next ownership, and kept when it was committed", async () => {
    const table = await openTable(store, LOCATION, { createIfAbsent: true });
    const owner = await ownerOf(table, [0]);
    owner.add(0, photo(0), ingestedAtMs(0));
    expect(knownOf(owner, 0)).toEqual([0]);
    await owner.own([0]);
    expect(knownOf(owner, 0)).toEqual([]);
    await commitAndTell(table, owner, [2]);
    await owner.own([0, 1]);
    expect(knownOf(owner, 0)).toEqual([2]);
  });

  test("that was committed may be told again, after a store that failed", async () => {
    const table = await openTable(store, LOCATION, { createIfAbsent: true });
    const owner = await ownerOf(table, [0]);
    const [foreign] = await writeRows(table, [rowOf(0)]);
    await write([{ add: foreign! }]);
    const others = await table.advance();
    owner.add(0, photo(2), ingestedAtMs(2));
    const { get } = memory;
    memory.get = () => Promise.reject(new Error("away"));
    await expect(owner.committed(2, others)).rejects.toThrow("away");
    memory.get = get;
    await owner.committed(2, others);
    expect(knownOf(owner, 0)).toEqual([0, 2]);
  });
});

async function ownerOf(table: DeltaTable, partitions: number[], changes: Partial<PhotoVersionsOptions> = {}) {
  const owner = new PhotoVersions(table, { ...OPTIONS, ...changes });
  await owner.own(partitions);
  return owner;
}

function ingestedAtMs(photoNumber: number): number {
  return Date.parse("2026-03-01T00:00:00Z") + photoNumber * 1_000;
}

/** Photo n is of source partition n mod 4, so of features partition n mod 2. */
function rowOf(photoNumber: number) {
  return photoRow({
    path: pathOf(photoNumber),
    sourcePartition: photoNumber % 4,
    sourceOffset: photoNumber,
    ingestedAtMs: ingestedAtMs(photoNumber),
  });
}

function photo(photoNumber: number) {
  const row = rowOf(photoNumber);
  return fingerprintOf({ ...row, etag: row.photoEtag });
}

function pathOf(photoNumber: number): string {
  return `s3://photos/${photoNumber}.jpg`;
}

function photosUpTo(end: number): number[] {
  return Array.from({ length: end }, (_, index) => index);
}

function knownOf(owner: PhotoVersions, partition: number): number[] {
  return photosUpTo(200).filter((photoNumber) => owner.has(partition, photo(photoNumber)));
}

/** Commits rows of these photos as another writer does. */
async function append(table: DeltaTable, photos: readonly number[]): Promise<AddFile> {
  const [add] = await writeRows(table, photos.map(rowOf));
  await write([{ add: add! }]);
  await table.advance();
  return add!;
}

/** Commits as another tool would. */
async function write(actions: Parameters<typeof serialiseActions>[0]): Promise<void> {
  const { snapshot } = await openTable(memory, LOCATION);
  const body = Buffer.from(serialiseActions([{ commitInfo: { txnId: randomUUID() } }, ...actions]));
  await memory.put(tableObject(LOCATION, commitPath(snapshot.version + 1)), body);
}

async function commitAndTell(table: DeltaTable, owner: PhotoVersions, photos: readonly number[]): Promise<void> {
  const adds = await writeRows(table, photos.map(rowOf));
  for (const each of photos) owner.add(each % 2, photo(each), ingestedAtMs(each));
  const request = { commitId: randomUUID(), operation: "STREAMING UPDATE", adds, txns: [], baseTxns: new Map() };
  const result = await table.commit(request);
  if (result.outcome === "committed") await owner.committed(result.version, result.others);
}

async function compact({ path, ...file }: AddFile): Promise<void> {
  const compacted = `${path}.compacted`;
  const { bytes } = await memory.get(tableObject(LOCATION, path), { bytesMax: file.size });
  await memory.put(tableObject(LOCATION, compacted), bytes);
  const remove = { path, deletionTimestamp: 1, dataChange: false };
  await write([{ remove }, { add: { ...file, path: compacted, dataChange: false } }]);
}

async function checkpoints(): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of memory.list(CHECKPOINTS.bucket, CHECKPOINTS.key)) keys.push(key);
  return keys;
}
