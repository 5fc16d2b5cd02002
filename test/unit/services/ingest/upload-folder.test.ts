import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { photoArrivedCodec } from "../../../../lib/contract/avro-codec.ts";
import type { PhotoArrived } from "../../../../lib/contract/messages.ts";
import { FruitstreamError } from "../../../../lib/runtime/errors.ts";
import type { RetryHooks } from "../../../../lib/runtime/retry.ts";
import type { ObjectStore } from "../../../../lib/store/object-store.ts";
import { PhotoAnnouncer } from "../../../../services/ingest/announce-photo.ts";
import { UNLABELLED_FOLDERS } from "../../../../services/ingest/photo-label.ts";
import { suffixTest, UPLOADED_SUFFIXES } from "../../../../services/ingest/photo-suffixes.ts";
import { type UploadOptions, uploadFolder } from "../../../../services/ingest/upload-folder.ts";
import { walkFolder } from "../../../../services/ingest/walk-folder.ts";
import { createMemoryObjectStore } from "../../../fakes/memory-object-store.ts";
import { MemoryRecordLog } from "../../../fakes/memory-record-log.ts";

const clock = { nowMs: () => Date.UTC(2025, 0, 1), sleep: async () => {} };
const capturedAtMs = Date.UTC(2024, 1, 29, 10);

let folder: string;
let store: ObjectStore;
let log: MemoryRecordLog;
let hooks: RetryHooks;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fruitstream-upload-"));
  store = createMemoryObjectStore(["photos"]);
  log = new MemoryRecordLog();
  await log.ensureTopics([{ topic: "photos", partitions: 2 }]);
  hooks = { clock, signal: new AbortController().signal, onRetry: () => {} };
});

afterEach(() => rm(folder, { recursive: true }));

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
    isPhoto: suffixTest(UPLOADED_SUFFIXES),
    unlabelled: new RegExp(UNLABELLED_FOLDERS),
    announceExisting: false,
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
    const common = { bucket: "photos", capturedAtMs, ingestedAtMs: clock.nowMs(), traceparent: null };
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

  it("announces what is there when it is asked to", async () => {
    await write("Kiwi/1.jpg", "first");
    await upload();
    expect(await upload({ announceExisting: true })).toMatchObject({ announced: 1, uploaded: 0, existing: 1 });
    expect(announced()).toHaveLength(2);
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

  it("says usage for what is no folder", async () => {
    await expect(upload({ folder: join(folder, "missing") })).rejects.toMatchObject({ code: "usage" });
  });
});

describe("walkFolder", () => {
  it("gives files in the order of names, without hidden ones, and follows links to files only", async () => {
    for (const path of ["b.jpg", "a/2.jpg", "a/1.jpg", "c/d/e.jpg", ".DS_Store", ".git/x.jpg", "a/._1.jpg"]) {
      await write(path, "x");
    }
    await symlink(join(folder, "b.jpg"), join(folder, "link.jpg"));
    await symlink(folder, join(folder, "circle"));
    await symlink(join(folder, "nowhere"), join(folder, "broken.jpg"));
    const found: string[] = [];
    let hidden = 0;
    for await (const { relativePath } of walkFolder(folder, () => hidden++)) found.push(relativePath);
    expect(found).toEqual(["a/1.jpg", "a/2.jpg", "b.jpg", "c/d/e.jpg", "link.jpg"]);
    expect(hidden).toBe(3);
  });
});
