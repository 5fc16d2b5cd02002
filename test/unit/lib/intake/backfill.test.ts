import { beforeEach, describe, expect, it } from "vitest";
import { PhotoAnnouncer } from "#lib/intake/announce-photo.ts";
import { type BackfillOptions, backfill } from "#lib/intake/backfill.ts";
import type { IngestProgress } from "#lib/intake/ingest-progress.ts";
import { parseS3Uri } from "#lib/intake/list-photos.ts";
import { photoArrivedCodec } from "#lib/messages/avro/avro-codec.ts";
import type { PhotoArrived } from "#lib/messages/messages.ts";
import { UNLABELLED_FOLDERS } from "#lib/photo/photo-label.ts";
import { LISTED_SUFFIXES, suffixTest } from "#lib/photo/photo-suffixes.ts";
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
  isPhoto: suffixTest(LISTED_SUFFIXES),
  unlabelled: new RegExp(UNLABELLED_FOLDERS),
};

let store: ObjectStore;
let log: MemoryRecordLog;
let announcer: PhotoAnnouncer;
let interruption: AbortController;
let retries: unknown[];
let last: IngestProgress | undefined;

beforeEach(async () => {
  store = createMemoryObjectStore(["photos"]);
  log = new MemoryRecordLog();
  await log.ensureTopics([{ topic: "photos", partitions: 3 }]);
  announcer = new PhotoAnnouncer((records) => log.append("photos", records), clock);
  interruption = new AbortController();
  retries = [];
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
