import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { fingerprintOf } from "#lib/table/photo-version.ts";
import { PhotoVersionSet } from "#lib/table/photo-version-set.ts";
import { readPhotoVersions, writePhotoVersions } from "#lib/table/photo-versions-checkpoint.ts";
import { accessOf, emptyStore, LOCATION, logName, putLogFile } from "./table-fixtures.ts";

const OF = { tableId: "t", partition: 1, partitions: 3, sharedBy: 3 };
const photo = (index: number) =>
  fingerprintOf({ model: "m", run: "live", path: `s3://photos/${index}.jpg`, etag: "e" });

function setOf(count: number): PhotoVersionSet {
  const versions = new PhotoVersionSet(100);
  for (let index = 0; index < count; index++) versions.add(photo(index), 1_000);
  return versions;
}

async function world() {
  const store = emptyStore();
  const access = accessOf(store);
  const keys = async () => {
    const found: string[] = [];
    for await (const { key } of store.list(LOCATION.bucket, `${LOCATION.prefix}/_fruitstream/`)) found.push(key);
    return found;
  };
  const read = (tableVersionMax = 99) => readPhotoVersions(access, OF, tableVersionMax, 100);
  return { store, access, keys, read };
}

test("a checkpoint in several parts comes back whole; one that lacks a part is passed over for an older one", async () => {
  const { store, access, keys, read } = await world();
  expect(await read()).toBeUndefined();
  await writePhotoVersions(access, OF, { tableVersion: 3, versions: setOf(3) });
  await writePhotoVersions(access, OF, { tableVersion: 5, versions: setOf(25) }, 10);
  expect(await keys()).toHaveLength(4);
  const newest = await read();
  expect(newest?.tableVersion).toBe(5);
  expect(Array.from({ length: 26 }, (_, index) => newest!.versions.has(photo(index))).indexOf(false)).toBe(25);
  expect((await read(4))?.tableVersion).toBe(3);

  await store.delete({ bucket: LOCATION.bucket, key: (await keys()).at(-2)! });
  expect((await read())?.tableVersion).toBe(3);
});

test("the latest two that are whole are kept, and what is newer", async () => {
  const { store, access, keys, read } = await world();
  const write = (tableVersion: number) => writePhotoVersions(access, OF, { tableVersion, versions: setOf(20) }, 10);
  await write(1);
  await write(2);
  await write(3);
  expect(await keys()).toHaveLength(4);
  await store.delete({ bucket: LOCATION.bucket, key: (await keys()).at(-1)! });
  await write(4);
  // Versions 2, 3 in part, and 4.
  expect(await keys()).toHaveLength(5);
  expect((await read(3))?.tableVersion).toBe(2);
});

test("a checkpoint of another table, partition or number of partitions is none", async () => {
  const { store, access, keys } = await world();
  await writePhotoVersions(access, OF, { tableVersion: 3, versions: setOf(3) });
  expect(await readPhotoVersions(access, { ...OF, tableId: "u" }, 9, 100)).toBeUndefined();
  const [key] = await keys();
  const { bytes } = await store.get({ bucket: LOCATION.bucket, key: key! }, { bytesMax: 1_000 });
  expect(await readPhotoVersions(access, { ...OF, sharedBy: 1 }, 9, 100)).toBeUndefined();
  const other = { ...OF, partitions: 4 };
  await store.put({ bucket: LOCATION.bucket, key: key!.replace("partitions=3", "partitions=4") }, bytes);
  expect(await readPhotoVersions(access, other, 9, 100)).toBeUndefined();
});

test.each(["no JSON", "null"])("a part whose digest is right but whose header is %s is none", async (header) => {
  const { store, access, keys, read } = await world();
  await writePhotoVersions(access, OF, { tableVersion: 3, versions: setOf(3) });
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.length);
  const sealed = Buffer.concat([Buffer.from("FSPHVER1"), length, Buffer.from(header)]);
  const digest = createHash("sha256").update(sealed).digest();
  const [key] = await keys();
  await store.put({ bucket: LOCATION.bucket, key: key! }, Buffer.concat([sealed, digest]));
  expect(await read()).toBeUndefined();
});

test("a checkpoint of a version that another tool has written over is none", async () => {
  const { store, access, read } = await world();
  const commitOf = (txnId: string) => JSON.stringify({ commitInfo: { txnId } });
  await putLogFile(store, logName(3), commitOf("ours"));
  await writePhotoVersions(access, OF, { tableVersion: 2, versions: setOf(2) });
  await writePhotoVersions(access, OF, { tableVersion: 3, commitId: "ours", versions: setOf(3) });
  expect((await read())?.tableVersion).toBe(3);
  await putLogFile(store, logName(3), commitOf("Spark's"));
  expect((await read())?.tableVersion).toBe(2);
});
