import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openFolderObjectStore } from "#lib/store/folder/folder-object-store.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import { describeObjectStoreContract } from "../../../../contract/object-store.ts";
import { propertyRuns } from "../../../../property-runs.ts";

let parent: string;

beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), "fruitstream-folder-store-"));
});
afterAll(() => rm(parent, { recursive: true }));

describeObjectStoreContract("a folder", () => openFolderObjectStore(join(parent, "contract")), { pageKeys: 100 });

describe("a folder as an object store", () => {
  let root: string;
  let store: ObjectStore;

  beforeEach(async () => {
    root = await mkdtemp(join(parent, "root-"));
    store = await openFolderObjectStore(root);
    await store.ensureBucket("bucket");
  });

  const put = (key: string, text = "x") => store.put({ bucket: "bucket", key }, Buffer.from(text));
  const keys = async (prefix = "", startAfter = "") => {
    const found: string[] = [];
    for await (const { key } of store.list("bucket", prefix, { startAfter })) found.push(key);
    return found;
  };

  it("keeps ordinary keys as plain paths, which other programs read", async () => {
    await put("table/model=a-1/run=live/dt=2026-01-31/hour=5/part.parquet", "rows");
    const path = join(root, "bucket/table/model=a-1/run=live/dt=2026-01-31/hour=5/part.parquet");
    expect(await readFile(path, "utf8")).toBe("rows");
  });

  it("lets no key and no bucket lead out of the folder", async () => {
    const before = await readdir(parent);
    const roundabout = ["../../out", "/../../out", "a/../../../out", "./out", "b/.."];
    for (const key of roundabout) await put(key, key);
    for (const key of roundabout) {
      expect(Buffer.from((await store.get({ bucket: "bucket", key }, { bytesMax: 99 })).bytes).toString()).toBe(key);
    }
    expect(await readdir(parent)).toEqual(before);
    await expect(store.ensureBucket("..")).rejects.toMatchObject({ code: "invalid-config" });
    await expect(store.put({ bucket: "../root", key: "a" }, Buffer.from("x"))).rejects.toMatchObject({
      code: "invalid-config",
    });
    await expect(store.get({ bucket: ".incoming", key: "a" }, { bytesMax: 9 })).rejects.toMatchObject({
      code: "invalid-config",
    });
  });

  it("lists what it was given, in order, from any place, whatever the keys", { timeout: 60_000 }, async () => {
    const segment = fc.oneof(
      fc.constantFrom(
        "",
        ".",
        "..",
        "%",
        "%2E",
        "a",
        "a%",
        "%%",
        "k".repeat(300),
        "€".repeat(90),
        `${"k".repeat(254)}%`,
      ),
      fc.string({ maxLength: 4, unit: "grapheme" }).filter((text) => !text.includes("/")),
    );
    const key = fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => segments.join("/"));
    const isKey = (text: string) => text !== "" && Buffer.byteLength(text) <= 1024;
    const isFree = (text: string, _: number, all: string[]) => !all.some((other) => other.startsWith(`${text}/`));
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(key.filter(isKey), { minLength: 1, maxLength: 12 }),
        fc.nat(),
        async (some, at) => {
          for (const { key } of await listAll(store)) await store.delete({ bucket: "bucket", key });
          await rm(join(root, "bucket"), { recursive: true });
          await store.ensureBucket("bucket");
          const wanted = some.filter(isFree).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
          for (const key of wanted) await put(key, key);
          expect(await keys()).toEqual(wanted);
          const place = wanted[at % wanted.length]!;
          expect(await keys("", place)).toEqual(wanted.slice(wanted.indexOf(place) + 1));
          const prefix = place.slice(0, Math.ceil(place.length / 2));
          expect(await keys(prefix)).toEqual(wanted.filter((key) => key.startsWith(prefix)));
        },
      ),
      propertyRuns(60),
    );
  });

  it("leaves out files that are no objects of its own", async () => {
    await put("a.jpg");
    await writeFile(join(root, "bucket", "50% off.jpg"), "x");
    expect(await keys()).toEqual(["a.jpg"]);
  });

  it("gives the etag of what a file holds now, though somebody else wrote it", async () => {
    await put("a.jpg", "first");
    await store.head({ bucket: "bucket", key: "a.jpg" });
    await writeFile(join(root, "bucket", "a.jpg"), "other");
    expect((await store.head({ bucket: "bucket", key: "a.jpg" }))?.etag).toBe("795f3202b17cb6bc3d4b771d8c6c9eaf");
  });

  it("refuses a key that would be the folder of another", async () => {
    await put("a/b");
    await expect(put("a")).rejects.toMatchObject({ code: "invalid-config" });
    await expect(put("a/b/c")).rejects.toMatchObject({ code: "invalid-config" });
    await expect(store.get({ bucket: "bucket", key: "a" }, { bytesMax: 9 })).rejects.toMatchObject({
      code: "not-found",
    });
  });

  it("removes what a killed process had made ready", async () => {
    await writeFile(join(root, ".incoming", "half"), "half a photo");
    await openFolderObjectStore(root);
    expect(existsSync(join(root, ".incoming", "half"))).toBe(false);
  });

  it("finds a bucket that lies elsewhere", async () => {
    const elsewhere = join(root, "out");
    await mkdir(elsewhere);
    const mounted = await openFolderObjectStore(join(root, "state"), { out: elsewhere });
    expect(await mounted.putIfAbsent({ bucket: "out", key: "table/a" }, Buffer.from("x"))).toBe(true);
    expect(existsSync(join(elsewhere, "table", "a"))).toBe(true);
  });
});

async function listAll(store: ObjectStore) {
  const objects = [];
  for await (const object of store.list("bucket", "")) objects.push(object);
  return objects;
}
