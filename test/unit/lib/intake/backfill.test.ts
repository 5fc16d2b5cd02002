import { beforeEach, describe, expect, it } from "vitest";
import { PhotoAnnouncer } from "#lib/intake/announce-photo.ts";
import { type BackfillOptions, backfill } from "#lib/intake/backfill.ts";
import type { IngestProgress } from "#lib/intake/ingest-progress.ts";
import { parseS3Uri } from "#lib/intake/list-photos.ts";
import { photoArrivedCodec } from "#lib/messages/avro/avro-codec.ts";
import type { PhotoArrived } from "#lib/messages/messages.ts";
import { UNLABELLED_FOLDERS } from "#lib/photo/photo-label.ts";
import { photoNames } from "#lib/photo/photo-suffixes.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { RetryHooks } from "#lib/runtime/retry.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import { createMemoryObjectStore } from "../../../fakes/memory-object-store.ts";
import { MemoryRecordLog } from "../../../fakes/memory-record-log.ts";

const nowMs = Date.UTC(2100, 0, 1);
const clock = { nowMs: () => nowMs, sleep: async () => {} };
const options: BackfillOptions = {
  bucket: "photos",
  prefix: "",
  names: photoNames(),
  looks: true,
  unlabelled: new RegExp(UNLABELLED_FOLDERS),
  isKnown: () => false,
  onFault: (fault) => faults.push(fault.message),
};

let store: ObjectStore;
let log: MemoryRecordLog;
let announcer: PhotoAnnouncer;
let interruption: AbortController;
let retries: unknown[];
let faults: string[];
let last: IngestProgress | undefined;

beforeEach(async () => {
  store = createMemoryObjectStore(["photos"]);
  log = new MemoryRecordLog();
  await log.ensureTopics([{ topic: "photos", partitions: 3 }]);
  announcer = new PhotoAnnouncer((records) => log.append("photos", records), clock);
  interruption = new AbortController();
  retries = [];
  faults = [];
  last = undefined;
});

async function run(changes: Partial<BackfillOptions> = {}, from: ObjectStore = store) {
  const hooks: RetryHooks = { clock, signal: interruption.signal, onRetry: (error) => retries.push(error) };
  return await backfill(from, announcer, { ...options, ...changes }, hooks, (progress) => {
    last = progress;
  });
}

async function put(keys: readonly string[]): Promise<void> {
  for (const key of keys) await store.put({ bucket: "photos", key }, Buffer.from(key));
}

function announced(): PhotoArrived[] {
  const messages = log.allRecordsOf("photos").map(({ value }) => photoArrivedCodec.decode(value));
  return messages.sort((a, b) => (a.key < b.key ? -1 : 1));
}

describe("backfill", () => {
  it("passes over what is known by its place and content, and looks at none of it", async () => {
    await put(["a.jpg", "b", "c.jpg"]);
    const etags = new Map<string, string>();
    for await (const { key, etag } of store.list("photos", "")) etags.set(key, etag);
    const isKnown: BackfillOptions["isKnown"] = ({ bucket, key }, etag) =>
      bucket === "photos" && (key === "b" || key === "c.jpg") && etag === etags.get(key);
    const looking = { ...store, getStart: () => Promise.reject(new Error("nothing is to be looked at")) };
    expect(await run({ isKnown }, looking)).toMatchObject({ announced: 1, known: 2, skipped: 0, lastKey: "a.jpg" });
    expect(announced().map(({ key }) => key)).toEqual(["a.jpg"]);
  });

  it("announces the photos under a prefix at any depth, and counts what it skips", async () => {
    await put(["a/Kiwi/1.jpg", "a/Kiwi/2.PNG", "a/b/c/Lime/3.avif", "a/readme.md", "a/Kiwi/", "b/4.jpg"]);
    const progress = await run({ prefix: "a/" });
    expect(progress).toMatchObject({ announced: 3, skipped: 2, lastKey: "a/b/c/Lime/3.avif" });
    expect(announced().map(({ key, label }) => [key, label])).toEqual([
      ["a/Kiwi/1.jpg", "Kiwi"],
      ["a/Kiwi/2.PNG", "Kiwi"],
      ["a/b/c/Lime/3.avif", "Lime"],
    ]);
  });

  it("says what is on S3: etag, size, and the time of writing as event time", async () => {
    await put(["Kiwi/1.jpg"]);
    const summary = (await store.head({ bucket: "photos", key: "Kiwi/1.jpg" }))!;
    await run();
    expect(announced()).toEqual([
      {
        bucket: "photos",
        key: "Kiwi/1.jpg",
        etag: summary.etag,
        sizeBytes: summary.sizeBytes,
        label: "Kiwi",
        capturedAtMs: summary.modifiedAtMs,
        capturedAtSource: "object",
        ingestedAtMs: nowMs,
        traceparent: null,
      },
    ]);
  });

  it("goes on behind a key", async () => {
    await put(["1.jpg", "2.jpg", "3.jpg"]);
    await run({ startAfter: "2.jpg" });
    expect(announced().map(({ key }) => key)).toEqual(["3.jpg"]);
  });

  it("announces each photo once though pages of the listing fail", async () => {
    const keys = Array.from({ length: 30 }, (_, index) => `${String(index).padStart(3, "0")}.jpg`);
    await put(keys);
    await run({}, breakingEvery(7, store));
    expect(announced().map(({ key }) => key)).toEqual(keys);
    expect(retries).toHaveLength(4);
  });

  it("goes on without a gap from the last key that it told before it failed", async () => {
    const keys = Array.from({ length: 3000 }, (_, index) => `${String(index).padStart(5, "0")}.jpg`);
    await put(keys);
    let appends = 0;
    announcer = new PhotoAnnouncer(async (records) => {
      appends += 1;
      if (appends === 3) throw new FruitstreamError("access-denied", "the broker refuses");
      await log.append("photos", records);
    }, clock);
    await expect(run()).rejects.toMatchObject({ code: "access-denied" });
    const { lastKey } = last!;
    expect(announced().map(({ key }) => key)).toEqual(keys.filter((key) => key <= lastKey!));
    await run({ startAfter: lastKey });
    expect(announced().map(({ key }) => key)).toEqual(keys);
  });

  it("stops when it is interrupted, and what it told is announced", async () => {
    await put(Array.from({ length: 50 }, (_, index) => `${String(index).padStart(3, "0")}.jpg`));
    announcer = new PhotoAnnouncer(async (records) => {
      interruption.abort(new Error("interrupted"));
      await log.append("photos", records);
    }, clock);
    await expect(run()).rejects.toThrow("interrupted");
    expect(announced()).toHaveLength(last!.announced);
    expect(last!.announced).toBeGreaterThan(0);
  });

  it("finds what has no suffix by its first bytes, and what was stored as an image under any name", async () => {
    const keep = (key: string, body: string, contentType?: string) =>
      store.put(
        { bucket: "photos", key },
        Buffer.from(body, "latin1"),
        contentType === undefined ? {} : { contentType },
      );
    await keep("kiwi/IMG_1", "\xff\xd8\xff\xe0");
    await keep("kiwi/Makefile", "all:");
    await keep("kiwi/a.v2", "GIF89a", "image/gif");
    await keep("kiwi/b.jpg_original", "\xff\xd8\xff\xe0", "binary/octet-stream");
    await keep("kiwi/c.svgz", "no photo", "image/svg+xml");
    await keep("kiwi/d.hif", "");
    await keep("kiwi/", "");
    const progress = await run();
    expect(announced().map(({ key }) => key)).toEqual(["kiwi/IMG_1", "kiwi/a.v2", "kiwi/d.hif"]);
    expect(progress.skippedByKind).toEqual({ "folder marks": 1, "without suffix": 1, ".jpg_original": 1, ".svgz": 1 });
  });

  it("looks at no object when suffixes are named", async () => {
    await put(["a", "b.jpg"]);
    store = { ...store, getStart: () => expect.unreachable("suffixes tell") };
    expect(await run({ names: photoNames("jpg"), looks: false })).toMatchObject({ announced: 1, skipped: 1 });
  });

  it("tells no key as reached while a photo before it is still looked at", async () => {
    const keys = Array.from(
      { length: 200 },
      (_, index) => `${String(index).padStart(3, "0")}${index % 3 ? ".jpg" : ""}`,
    );
    for (const key of keys) await store.put({ bucket: "photos", key }, Buffer.from("GIF89a"));
    const { getStart } = store;
    const slow: ObjectStore = {
      ...store,
      async getStart(...call) {
        for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
        return await getStart(...call);
      },
    };
    const reached: string[] = [];
    announcer = new PhotoAnnouncer(async (records) => {
      reached.push(...records.map(({ key }) => String(key)));
      await log.append("photos", records);
    }, clock);
    await run({}, slow);
    expect(reached).toEqual(keys);
  });

  it("names what can't be looked at or has a name that can't be taken, and goes on", async () => {
    await put(["kiwi/1.jpg", "kiwi/bad", "kiwi/gone", "kiwi/secret", "kiwi/\u202e2.jpg", "ki\u200bwi/3.jpg"]);
    const { getStart } = store;
    const faulty: ObjectStore = {
      ...store,
      async getStart(location, bytesMax) {
        if (location.key === "kiwi/bad") throw new FruitstreamError("store-unavailable", "500 for ever");
        if (location.key === "kiwi/secret") throw new FruitstreamError("access-denied", "refused");
        if (location.key === "kiwi/gone") throw new FruitstreamError("not-found", "it was deleted");
        return await getStart(location, bytesMax);
      },
    };
    expect(await run({}, faulty)).toMatchObject({ announced: 1, failed: 5 });
    expect(faults.sort()).toEqual([
      expect.stringMatching(/ki\\u\{200b\}wi\/3\.jpg": its label, .* holds U\+200B/),
      expect.stringMatching(/kiwi\/\\u\{202e\}2\.jpg": its name holds U\+202E/),
      expect.stringMatching(/kiwi\/bad": given up after 8 attempts/),
      expect.stringMatching(/kiwi\/gone": it was deleted$/),
      expect.stringMatching(/kiwi\/secret": refused$/),
    ]);
  });

  it("gives both normal forms of a label as one, under the keys as they are", async () => {
    await put(["gro\u0308\u00dfe/a.jpg", "gr\u00f6\u00dfe/a.jpg"]);
    await run();
    expect(announced().map(({ key, label }) => [key, label])).toEqual([
      ["gro\u0308\u00dfe/a.jpg", "gr\u00f6\u00dfe"],
      ["gr\u00f6\u00dfe/a.jpg", "gr\u00f6\u00dfe"],
    ]);
  });

  it("says invalid-config for a missing bucket", async () => {
    await expect(run({ bucket: "missing" })).rejects.toMatchObject({ code: "invalid-config" });
  });
});

describe("parseS3Uri", () => {
  it.each([
    ["s3://photos/a/b", { bucket: "photos", prefix: "a/b" }],
    ["s3://photos/", { bucket: "photos", prefix: "" }],
    ["s3://photos", { bucket: "photos", prefix: "" }],
  ])("reads %s", (text, parts) => {
    expect(parseS3Uri(text)).toEqual(parts);
  });

  it.each(["photos/a", "s3:///a", "https://photos/a", ""])("refuses %s", (text) => {
    expect(() => parseS3Uri(text)).toThrow("expected an address as s3://bucket/prefix");
  });
});

/** A store whose listings break off after so many keys each. */
function breakingEvery(keysMax: number, inner: ObjectStore): ObjectStore {
  return {
    ...inner,
    async *list(...place) {
      let given = 0;
      for await (const object of inner.list(...place)) {
        if (given++ === keysMax) throw new FruitstreamError("store-unavailable", "the page did not come");
        yield object;
      }
    },
  };
}
