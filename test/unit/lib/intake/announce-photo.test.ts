import { describe, expect, it } from "vitest";
import { PhotoAnnouncer, type StoredPhoto } from "#lib/intake/announce-photo.ts";
import type { NewRecord } from "#lib/log/record-log.ts";
import { photoArrivedCodec } from "#lib/messages/avro/avro-codec.ts";

const clock = { nowMs: () => 1234, sleep: async () => {} };

function photo(key: string): StoredPhoto {
  const time = { capturedAtMs: 7, capturedAtSource: "object" };
  return { bucket: "photos", key, etag: "e", sizeBytes: 1, label: "kiwi", ...time, traceparent: null };
}

function keysOf(records: readonly NewRecord[]): string[] {
  return records.map(({ key }) => Buffer.from(key!).toString());
}

describe("PhotoAnnouncer", () => {
  it("writes a PhotoArrived under the S3 key, and leaves the partition to the key's hash", async () => {
    const records: NewRecord[] = [];
    const announcer = new PhotoAnnouncer(async (batch) => void records.push(...batch), clock);
    await announcer.announce(photo("kiwi/ä.jpg"));
    expect(keysOf(records)).toEqual(["kiwi/ä.jpg"]);
    expect(records[0]).not.toHaveProperty("partition");
    expect(photoArrivedCodec.decode(records[0]!.value)).toEqual({ ...photo("kiwi/ä.jpg"), ingestedAtMs: 1234 });
  });

  it("puts what comes during an append into the next ones, in order, a thousand each", async () => {
    const batches: string[][] = [];
    const announcer = new PhotoAnnouncer(async (batch) => {
      batches.push(keysOf(batch));
      await new Promise(setImmediate);
    }, clock);
    const keys = Array.from({ length: 2500 }, (_, index) => `k${index}`);
    const acknowledged: string[] = [];
    await Promise.all(keys.map((key) => announcer.announce(photo(key)).then(() => acknowledged.push(key))));
    expect(batches.flat()).toEqual(keys);
    expect(acknowledged).toEqual(keys);
    expect(batches.map(({ length }) => length)).toEqual([1, 1000, 1000, 499]);
  });

  it("resolves only after the append", async () => {
    const gate = Promise.withResolvers<void>();
    const announcer = new PhotoAnnouncer(() => gate.promise, clock);
    let acknowledged = false;
    const done = announcer.announce(photo("a")).then(() => {
      acknowledged = true;
    });
    await new Promise(setImmediate);
    expect(acknowledged).toBe(false);
    gate.resolve();
    await done;
  });

  it("fails what waits behind a failed append too, and works again afterwards", async () => {
    let failures = 1;
    const appended: string[] = [];
    const announcer = new PhotoAnnouncer(async (batch) => {
      await new Promise(setImmediate);
      if (failures-- > 0) throw new Error("the broker is away");
      appended.push(...keysOf(batch));
    }, clock);
    const results = await Promise.allSettled(["a", "b"].map((key) => announcer.announce(photo(key))));
    expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    await announcer.announce(photo("c"));
    expect(appended).toEqual(["c"]);
  });
});
