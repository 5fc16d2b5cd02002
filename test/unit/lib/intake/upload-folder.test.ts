import { createHash } from "node:crypto";
import { rmSync } from "node:fs";
import { mkdir, mkdtemp, rm, truncate, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { PhotoAnnouncer } from "#lib/intake/announce-photo.ts";
import { type UploadOptions, uploadFolder } from "#lib/intake/upload-folder.ts";
import { photoArrivedCodec } from "#lib/messages/avro/avro-codec.ts";
import type { PhotoArrived } from "#lib/messages/messages.ts";
import { UNLABELLED_FOLDERS } from "#lib/photo/photo-label.ts";
import { type PhotoNames, photoNames } from "#lib/photo/photo-suffixes.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { RetryHooks } from "#lib/runtime/retry.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import { createMemoryObjectStore } from "../../../fakes/memory-object-store.ts";
import { MemoryRecordLog } from "../../../fakes/memory-record-log.ts";

const clock = { nowMs: () => Date.UTC(2025, 0, 1), sleep: async () => {} };
const capturedAtMs = Date.UTC(2024, 1, 29, 10);

let scratch: string;
let folder: string;
let store: ObjectStore;
let log: MemoryRecordLog;
let hooks: RetryHooks;
let faults: string[];

beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), "fruitstream-upload-"));
  folder = join(scratch, "photos");
  await mkdir(folder);
  store = createMemoryObjectStore(["photos"]);
  log = new MemoryRecordLog();
  faults = [];
  await log.ensureTopics([{ topic: "photos", partitions: 2 }]);
  hooks = { clock, signal: new AbortController().signal, onRetry: () => {} };
});

afterEach(() => rm(scratch, { recursive: true }));

async function write(relativePath: string, content: string): Promise<void> {
  const path = join(folder, relativePath);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
  await utimes(path, capturedAtMs / 1000, capturedAtMs / 1000);
}

async function upload(changes: Partial<UploadOptions> = {}) {
  const options: UploadOptions = {
    folder,
    bucket: "photos",
    prefix: "photos/",
    names: photoNames(),
    onFault: (fault) => faults.push(fault.message),
    unlabelled: new RegExp(UNLABELLED_FOLDERS),
    isKnown: () => true,
    ...changes,
  };
  const announcer = new PhotoAnnouncer((records) => log.append("photos", records), clock);
  return await uploadFolder(store, announcer, options, hooks, () => {});
}

function announced(): PhotoArrived[] {
  const messages = log.allRecordsOf("photos").map(({ value }) => photoArrivedCodec.decode(value));
  return messages.sort((a, b) => (a.key < b.key ? -1 : 1));
}

const md5 = (text: string) => createHash("md5").update(text).digest("hex");

describe("uploadFolder", () => {
  it("uploads each photo and announces what is on S3", async () => {
    await write("Test/Kiwi/1.jpg", "\xff\xd8\xff a kiwi");
    await write("flat.heic", "not decodable");
    await write("README.md", "no photo");
    expect(await upload()).toMatchObject({ announced: 2, uploaded: 2, existing: 0, skipped: 1 });
    const time = { capturedAtMs, capturedAtSource: "object", ingestedAtMs: clock.nowMs() };
    const common = { bucket: "photos", ...time, traceparent: null };
    expect(announced()).toEqual([
      { ...common, key: "photos/Test/Kiwi/1.jpg", label: "Kiwi", etag: md5("\xff\xd8\xff a kiwi"), sizeBytes: 13 },
      { ...common, key: "photos/flat.heic", label: null, etag: md5("not decodable"), sizeBytes: 13 },
    ]);
    const { bytes } = await store.get({ bucket: "photos", key: "photos/flat.heic" }, { bytesMax: 100 });
    expect(Buffer.from(bytes).toString()).toBe("not decodable");
  });

  it("takes no label from the prefix", async () => {
    await write("1.jpg", "x");
    await upload({ prefix: "import/2024/" });
    expect(announced()).toMatchObject([{ key: "import/2024/1.jpg", label: null }]);
  });

  it("labels photos that lie directly in the folder by its name, in their keys too", async () => {
    await write("Kiwi/1.jpg", "x");
    await write("Kiwi/more/2.jpg", "y");
    await upload({ folder: join(folder, "Kiwi") });
    expect(announced().map(({ key, label }) => [key, label])).toEqual([
      ["photos/Kiwi/1.jpg", "Kiwi"],
      ["photos/more/2.jpg", "more"],
    ]);
    expect(await upload({ folder: join(folder, "Kiwi") })).toMatchObject({ announced: 0, existing: 2 });
  });

  it("counts what it leaves out by suffix", async () => {
    for (const name of ["a.HEIC", "b.heic", "README", ".hidden.jpg"]) await write(`Kiwi/${name}`, "x");
    expect(await upload({ names: photoNames("jpg") })).toMatchObject({
      announced: 0,
      skipped: 4,
      skippedByKind: { ".heic": 2, "without suffix": 1, hidden: 1 },
    });
  });

  it("neither uploads nor announces again what is there with the same content", async () => {
    await write("Kiwi/1.jpg", "first");
    await write("Kiwi/2.jpg", "second");
    await upload();
    await write("Kiwi/2.jpg", "change");
    expect(await upload()).toMatchObject({ announced: 1, uploaded: 1, existing: 1 });
    expect(announced().map(({ key, etag }) => [key, etag])).toEqual([
      ["photos/Kiwi/1.jpg", md5("first")],
      ["photos/Kiwi/2.jpg", md5("second")],
      ["photos/Kiwi/2.jpg", md5("change")],
    ]);
  });

  it("announces of what is there what is not known by its place and content", async () => {
    await write("Kiwi/1.jpg", "first");
    await write("Kiwi/2.jpg", "second");
    await upload();
    const isKnown: UploadOptions["isKnown"] = ({ bucket, key }, etag) =>
      bucket === "photos" && key === "photos/Kiwi/1.jpg" && etag === md5("first");
    expect(await upload({ isKnown })).toMatchObject({ announced: 1, uploaded: 0, existing: 2, known: 1 });
    expect(announced().map(({ key }) => key)).toEqual(["photos/Kiwi/1.jpg", "photos/Kiwi/2.jpg", "photos/Kiwi/2.jpg"]);
  });

  it("announces a photo whose put was answered by nobody but was done", async () => {
    await write("Kiwi/1.jpg", "first");
    const { put } = store;
    let answersLost = 1;
    store = {
      ...store,
      async put(...call) {
        const result = await put(...call);
        if (answersLost-- > 0) throw new FruitstreamError("store-unavailable", "the answer was lost");
        return result;
      },
    };
    expect(await upload()).toMatchObject({ announced: 1, uploaded: 1, existing: 0 });
  });

  it("announces what it has begun when it is interrupted, and begins nothing more", async () => {
    for (let index = 0; index < 50; index++) await write(`Kiwi/${index}.jpg`, `photo ${index}`);
    const interruption = new AbortController();
    hooks = { ...hooks, signal: interruption.signal };
    const { put } = store;
    store = {
      ...store,
      async put(...call) {
        const result = await put(...call);
        if (call[0].key.endsWith("/17.jpg")) interruption.abort(new Error("interrupted"));
        return result;
      },
    };
    await expect(upload()).rejects.toThrow("interrupted");
    const stored: string[] = [];
    for await (const { key } of store.list("photos", "")) stored.push(key);
    expect(announced().map(({ key }) => key)).toEqual(stored);
    expect(stored.length).toBeLessThan(50);
  });

  it("begins nothing more once a photo is refused, and still announces what is on S3", async () => {
    for (let index = 10; index < 60; index++) await write(`Kiwi/${index}.jpg`, `photo ${index}`);
    const { put } = store;
    store = {
      ...store,
      async put(...call) {
        if (call[0].key.endsWith("/20.jpg")) throw new FruitstreamError("access-denied", "refused");
        return await put(...call);
      },
    };
    await expect(upload()).rejects.toMatchObject({ code: "access-denied" });
    const stored: string[] = [];
    for await (const { key } of store.list("photos", "")) stored.push(key);
    expect(announced().map(({ key }) => key)).toEqual(stored);
    expect(stored.length).toBeLessThan(30);
  });

  it("gives up a photo that S3 fails at for ever, names it, and uploads the rest", async () => {
    for (let index = 0; index < 40; index++) await write(`Kiwi/${index}.jpg`, `photo ${index}`);
    const { put } = store;
    let tries = 0;
    store = {
      ...store,
      async put(...call) {
        if (!call[0].key.endsWith("/20.jpg")) return await put(...call);
        tries += 1;
        throw new FruitstreamError("store-unavailable", "InternalError: File name too long");
      },
    };
    expect(await upload()).toMatchObject({ announced: 39, uploaded: 39, failed: 1 });
    expect(faults).toEqual([expect.stringMatching(/^"s3:\/\/photos\/photos\/Kiwi\/20\.jpg": .* File name too long$/)]);
    expect(tries).toBeLessThanOrEqual(8);
  });

  it.each(["too-large", "not-found", "etag-changed"] as const)(
    "goes on when one photo is refused as %s",
    async (code) => {
      for (const name of ["1.jpg", "2.jpg", "3.jpg"]) await write(`Kiwi/${name}`, name);
      const { put } = store;
      store = {
        ...store,
        async put(...call) {
          if (call[0].key.endsWith("/2.jpg")) throw new FruitstreamError(code, "413 Payload Too Large");
          return await put(...call);
        },
      };
      expect(await upload()).toMatchObject({ announced: 2, failed: 1 });
      expect(faults).toEqual([expect.stringMatching(/Kiwi\/2\.jpg": 413 Payload Too Large$/)]);
    },
  );

  it("names a file that is gone, or larger than the featurizer takes, and uploads the rest", async () => {
    for (const name of ["1.jpg", "2.jpg", "3.jpg"]) await write(`Kiwi/${name}`, name);
    await truncate(join(folder, "Kiwi", "1.jpg"), 64 * 1_048_576 + 1);
    const names: PhotoNames = (path) => {
      if (path.endsWith("2.jpg")) rmSync(join(folder, "Kiwi", "2.jpg"), { force: true });
      return "photo";
    };
    expect(await upload({ names })).toMatchObject({ announced: 1, failed: 2 });
    expect(faults.sort()).toEqual([
      expect.stringMatching(/1\.jpg has 67108865 bytes, above the limit of 67108864$/),
      expect.stringMatching(/2\.jpg does not exist$/),
    ]);
  });

  it("takes what has no suffix by its first bytes, and keeps keys byte for byte with labels in normal form C", async () => {
    await write("gro\u0308\u00dfe/IMG_1", "GIF89a, a photo");
    await write("gro\u0308\u00dfe/README", "no photo");
    expect(await upload()).toMatchObject({ announced: 1, skipped: 1 });
    expect(announced()).toMatchObject([{ key: "photos/gro\u0308\u00dfe/IMG_1", label: "gr\u00f6\u00dfe" }]);
    expect(await upload()).toMatchObject({ announced: 0, existing: 1 });
  });

  it("keeps at most eight files in memory, and stores on while announcements wait for Kafka", async () => {
    for (let index = 0; index < 100; index++) await write(`Kiwi/${index}.jpg`, `photo ${index}`);
    const allFound = Promise.withResolvers<void>();
    const kafka = Promise.withResolvers<void>();
    const { append } = log;
    log.append = async (...call) => {
      await kafka.promise;
      await append.apply(log, call);
    };
    let storing = 0;
    let storingMax = 0;
    let stored = 0;
    const { put } = store;
    store = {
      ...store,
      async put(...call) {
        storingMax = Math.max(storingMax, ++storing);
        await allFound.promise;
        const result = await put(...call);
        storing -= 1;
        if (++stored === 100) kafka.resolve();
        return result;
      },
    };
    let found = 0;
    const names = () => {
      if (++found === 100) allFound.resolve();
      return "photo" as const;
    };
    expect(await upload({ names })).toMatchObject({ announced: 100, uploaded: 100 });
    expect(storingMax).toBe(8);
  });

  it("asks S3 for a listing instead of for each photo", async () => {
    for (let index = 0; index < 30; index++) await write(`Kiwi ${index % 3}/${index}.jpg`, `photo ${index}`);
    await upload();
    store = { ...store, head: () => expect.unreachable("one listing tells what is there") };
    expect(await upload()).toMatchObject({ announced: 0, existing: 30 });
  });

  it("says usage for what is no folder", async () => {
    await expect(upload({ folder: join(folder, "missing") })).rejects.toMatchObject({ code: "usage" });
  });
});
