import { createHash, randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ObjectStore, ObjectSummary, ObjectVersion } from "#lib/store/object-store.ts";

/**
 * What every ObjectStore must keep, whoever is behind it. Works in buckets of its own, and leaves them. No key is the
 * folder of another: servers that keep objects as files can't have both.
 *
 * @param pageKeys so many keys a page of a listing has; where listings have no pages, any number.
 */
export function describeObjectStoreContract(
  name: string,
  openStore: () => Promise<ObjectStore>,
  { pageKeys = 1_000 } = {},
): void {
  describe(`${name} as an object store`, () => {
    const bucket = `contract-${randomUUID()}`;
    const at = (key: string) => ({ bucket, key });
    const nowhere = { bucket: `missing-${randomUUID()}`, key: "a" };
    const everything = { bytesMax: 1_000_000 };
    let store: ObjectStore;

    beforeAll(async () => {
      store = await openStore();
      await store.ensureBucket(bucket);
    });
    afterAll(() => store.close());

    it("gives back the bytes and the etag that were put", async () => {
      const body = bytesOf("a photo");
      const { etag } = await store.put(at("round/trip.jpg"), body, { contentType: "image/jpeg" });
      expect(etag).toBe(md5(body));
      const stored = await store.get(at("round/trip.jpg"), everything);
      expect(Buffer.from(stored.bytes)).toEqual(Buffer.from(body));
      expect(stored.etag).toBe(etag);
    });

    it("names every version of an object, and removes each", async () => {
      await store.put(at("versions/a"), bytesOf("first"));
      await store.put(at("versions/a"), bytesOf("second"));
      await store.put(at("versions/b"), bytesOf("other"));
      const versionsOf = async (prefix: string) => {
        const found: ObjectVersion[] = [];
        for await (const version of store.listVersions(bucket, prefix)) found.push(version);
        return found;
      };
      const versions = await versionsOf("versions/a");
      expect(new Set(versions.map(({ key }) => key))).toEqual(new Set(["versions/a"]));
      expect(versions.every(({ modifiedAtMs }) => modifiedAtMs > 0)).toBe(true);
      for (const version of versions) await store.deleteVersion(bucket, version);
      for (const version of versions) await store.deleteVersion(bucket, version);
      expect(await versionsOf("versions/a")).toEqual([]);
      expect(await store.head(at("versions/a"))).toBeUndefined();
      expect(await store.head(at("versions/b"))).toBeDefined();
    });

    it("keeps an empty object", async () => {
      await store.put(at("empty"), new Uint8Array(0));
      expect((await store.get(at("empty"), everything)).bytes.byteLength).toBe(0);
      expect(await store.head(at("empty"))).toMatchObject({ key: "empty", sizeBytes: 0 });
    });

    it("reads a part of an object, as far as the object goes", async () => {
      await store.put(at("in/parts"), bytesOf("0123456789"));
      const part = async (start: number, end: number) => textOf(await store.getRange(at("in/parts"), { start, end }));
      expect(await part(0, 1)).toBe("0");
      expect(await part(3, 7)).toBe("3456");
      expect(await part(8, 100)).toBe("89");
      expect(await part(10, 12)).toBe("");
      await expect(store.getRange(at("in/missing"), { start: 0, end: 1 })).rejects.toMatchObject({ code: "not-found" });
    });

    it("keeps a body of several megabytes", async () => {
      const body = Buffer.alloc(
        5_000_000,
        Uint8Array.from({ length: 251 }, (_, index) => index),
      );
      const { etag } = await store.put(at("large"), body);
      const stored = await store.get(at("large"), { bytesMax: body.byteLength });
      expect(stored.etag).toBe(etag);
      expect(md5(stored.bytes)).toBe(md5(body));
    });

    it("replaces an object and its etag", async () => {
      const first = await store.put(at("replaced"), bytesOf("first"));
      const second = await store.put(at("replaced"), bytesOf("second"));
      expect(second.etag).not.toBe(first.etag);
      expect(textOf((await store.get(at("replaced"), everything)).bytes)).toBe("second");
    });

    it("says not-found for a key that does not exist, and invalid-config for a bucket", async () => {
      await expect(store.get(at("missing"), everything)).rejects.toMatchObject({ code: "not-found" });
      await expect(store.get(nowhere, everything)).rejects.toMatchObject({ code: "invalid-config" });
      await expect(store.put(nowhere, bytesOf("x"))).rejects.toMatchObject({ code: "invalid-config" });
      await expect(store.putIfAbsent(nowhere, bytesOf("x"))).rejects.toMatchObject({ code: "invalid-config" });
    });

    it("says not-found for a key that can't exist", async () => {
      await expect(store.get(at(""), everything)).rejects.toMatchObject({ code: "not-found" });
      await expect(store.get(at("k".repeat(1025)), everything)).rejects.toMatchObject({ code: "not-found" });
    });

    it("reads with ifMatch only while the etag is the object's", async () => {
      const first = await store.put(at("matched"), bytesOf("first"));
      const stored = await store.get(at("matched"), { ...everything, ifMatch: first.etag });
      expect(textOf(stored.bytes)).toBe("first");
      await store.put(at("matched"), bytesOf("second"));
      const stale = store.get(at("matched"), { ...everything, ifMatch: first.etag });
      await expect(stale).rejects.toMatchObject({ code: "etag-changed" });
    });

    it("reads an object of exactly bytesMax and refuses one byte more", async () => {
      await store.put(at("bounded"), new Uint8Array(1000));
      expect((await store.get(at("bounded"), { bytesMax: 1000 })).bytes.byteLength).toBe(1000);
      await expect(store.get(at("bounded"), { bytesMax: 999 })).rejects.toMatchObject({ code: "too-large" });
    });

    it("rejects with the signal's reason when the caller has aborted", async () => {
      await store.put(at("aborted"), bytesOf("x"));
      const reason = new Error("the caller has gone");
      const read = store.get(at("aborted"), { ...everything, signal: AbortSignal.abort(reason) });
      await expect(read).rejects.toBe(reason);
    });

    it("reads the beginning of an object, and knows its content type or none", async () => {
      await store.put(at("begun"), bytesOf("a photo"), { contentType: "image/jpeg" });
      const start = await store.getStart(at("begun"), 3);
      expect(textOf(start.bytes)).toBe("a p");
      expect([undefined, "image/jpeg"]).toContain(start.contentType);
      expect(textOf((await store.getStart(at("begun"), 64)).bytes)).toBe("a photo");
      await store.put(at("begun-empty"), new Uint8Array(0));
      expect((await store.getStart(at("begun-empty"), 64)).bytes.byteLength).toBe(0);
      await expect(store.getStart(at("missing"), 64)).rejects.toMatchObject({ code: "not-found" });
    });

    it("summarises an object without reading it", async () => {
      const { etag } = await store.put(at("summary"), bytesOf("12345"));
      const summary = await store.head(at("summary"));
      expect(summary).toMatchObject({ key: "summary", sizeBytes: 5, etag });
      expect(Math.abs(Date.now() - summary!.modifiedAtMs)).toBeLessThan(3_600_000);
    });

    it("has no summary of what does not exist", async () => {
      expect(await store.head(at("missing"))).toBeUndefined();
      expect(await store.head(nowhere)).toBeUndefined();
    });

    it("lets exactly one of many writers put what is absent", async () => {
      const writers = Array.from({ length: 16 }, (_, index) => `writer ${index}`);
      const wins = await Promise.all(writers.map((writer) => store.putIfAbsent(at("contested"), bytesOf(writer))));
      expect(wins.filter((won) => won)).toHaveLength(1);
      const { bytes } = await store.get(at("contested"), everything);
      expect(textOf(bytes)).toBe(writers[wins.indexOf(true)]);
    });

    it("leaves an existing object as it is when putting only if absent", async () => {
      await store.put(at("present"), bytesOf("there first"));
      expect(await store.putIfAbsent(at("present"), bytesOf("there first"))).toBe(false);
      expect(await store.putIfAbsent(at("present"), bytesOf("other"))).toBe(false);
      expect(textOf((await store.get(at("present"), everything)).bytes)).toBe("there first");
    });

    it("puts if absent again after a delete", async () => {
      expect(await store.putIfAbsent(at("again"), bytesOf("1"))).toBe(true);
      await store.delete(at("again"));
      expect(await store.putIfAbsent(at("again"), bytesOf("2"))).toBe(true);
    });

    it("deletes, and takes no offence at what is not there", async () => {
      await store.put(at("deleted"), bytesOf("x"));
      await store.delete(at("deleted"));
      expect(await store.head(at("deleted"))).toBeUndefined();
      await store.delete(at("deleted"));
    });

    it("lists a prefix in the order of the keys' bytes, with summaries", async () => {
      const keys = ["order/a/z", "order/a.b", "order/a0", "order/Z", "order/b"];
      for (const key of keys) await store.put(at(key), bytesOf(key));
      const listed = await collect(store.list(bucket, "order/"));
      expect(listed.map(({ key }) => key)).toEqual(["order/Z", "order/a.b", "order/a/z", "order/a0", "order/b"]);
      expect(listed[0]).toMatchObject({ sizeBytes: "order/Z".length, etag: md5(bytesOf("order/Z")) });
    });

    it("takes a prefix as a string, not as a folder", async () => {
      for (const key of ["prefix/1", "prefix-2", "pre"]) await store.put(at(key), bytesOf(key));
      expect(await keysOf(store.list(bucket, "prefix"))).toEqual(["prefix-2", "prefix/1"]);
    });

    it("lists only keys after startAfter, which need not exist", async () => {
      for (const key of ["after/1", "after/2", "after/3"]) await store.put(at(key), bytesOf(key));
      expect(await keysOf(store.list(bucket, "after/", { startAfter: "after/1" }))).toEqual(["after/2", "after/3"]);
      expect(await keysOf(store.list(bucket, "after/", { startAfter: "after/20" }))).toEqual(["after/3"]);
      expect(await keysOf(store.list(bucket, "after/", { startAfter: "after/3" }))).toEqual([]);
    });

    it("lists past a page of keys", { timeout: 60_000 }, async () => {
      const keys = Array.from({ length: pageKeys + 50 }, (_, index) => `many/${String(index).padStart(5, "0")}`);
      for (let begin = 0; begin < keys.length; begin += 50) {
        await Promise.all(keys.slice(begin, begin + 50).map((key) => store.put(at(key), bytesOf("x"))));
      }
      expect(await keysOf(store.list(bucket, "many/"))).toEqual(keys);
    });

    it("keeps keys with blanks, signs and other alphabets apart", async () => {
      const keys = ["odd/a b+c%20d&<e>'\".jpg", "odd/q?r#s=t", "odd/trailing ", "odd/ünï/日本.jpg", "odd/🍎.jpg"];
      for (const key of keys) await store.put(at(key), bytesOf(key));
      expect(await keysOf(store.list(bucket, "odd/"))).toEqual(keys);
      for (const key of keys) expect(textOf((await store.get(at(key), everything)).bytes)).toBe(key);
    });

    it("lists nothing under an unused prefix, and says invalid-config for a missing bucket", async () => {
      expect(await keysOf(store.list(bucket, "unused/"))).toEqual([]);
      await expect(keysOf(store.list(nowhere.bucket, ""))).rejects.toMatchObject({ code: "invalid-config" });
    });

    it("ensures a bucket that exists, and keeps its objects", async () => {
      await store.put(at("kept"), bytesOf("x"));
      await store.ensureBucket(bucket);
      expect(await store.head(at("kept"))).toBeDefined();
    });

    it("lets several creators ensure one bucket", async () => {
      const contested = `contract-${randomUUID()}`;
      await Promise.all(Array.from({ length: 4 }, () => store.ensureBucket(contested)));
      expect(await keysOf(store.list(contested, ""))).toEqual([]);
    });
  });
}

async function collect(listing: AsyncIterable<ObjectSummary>): Promise<ObjectSummary[]> {
  const objects: ObjectSummary[] = [];
  for await (const object of listing) objects.push(object);
  return objects;
}

async function keysOf(listing: AsyncIterable<ObjectSummary>): Promise<string[]> {
  return (await collect(listing)).map(({ key }) => key);
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function md5(bytes: Uint8Array): string {
  return createHash("md5").update(bytes).digest("hex");
}
