import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { PhotoAnnouncer } from "#lib/intake/announce-photo.ts";
import { backfill } from "#lib/intake/backfill.ts";
import { uploadFolder } from "#lib/intake/upload-folder.ts";
import { openAdmin } from "#lib/log/kafka/kafka-admin.ts";
import { createConsumer } from "#lib/log/kafka/kafka-consumer.ts";
import { openProducer } from "#lib/log/kafka/kafka-producer.ts";
import type { LogAdmin, RecordProducer } from "#lib/log/record-log.ts";
import { photoArrivedCodec } from "#lib/messages/avro/avro-codec.ts";
import type { PhotoArrived } from "#lib/messages/messages.ts";
import { topicShapes, topicsWithPrefix } from "#lib/messages/topics.ts";
import { UNLABELLED_FOLDERS } from "#lib/photo/photo-label.ts";
import { photoNames } from "#lib/photo/photo-suffixes.ts";
import { systemClock } from "#lib/runtime/clock.ts";
import { silentLogger } from "#lib/runtime/logger.ts";
import type { RetryHooks } from "#lib/runtime/retry.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import { openS3ObjectStore } from "#lib/store/s3/s3-object-store.ts";

const env = process.env as Record<string, string>;
const folder = fileURLToPath(new URL("../../../shared/fruits360/tiny", import.meta.url));
const bucket = `ingest-${randomUUID()}`;
const rules = {
  names: photoNames(),
  unlabelled: new RegExp(UNLABELLED_FOLDERS),
  onFault: (fault: Error) => expect.unreachable(fault.message),
};
const hooks: RetryHooks = { clock: systemClock, signal: new AbortController().signal, onRetry: () => {} };

let kafka: { brokers: string[]; clientId: string };
let store: ObjectStore;
let producer: RecordProducer;
let admin: LogAdmin;

beforeAll(async () => {
  kafka = { brokers: env.KAFKA_BROKERS!.split(","), clientId: "ingest-test" };
  store = openS3ObjectStore({
    endpoint: env.S3_ENDPOINT,
    region: env.S3_REGION!,
    accessKeyId: env.S3_ACCESS_KEY_ID,
    secretAccessKey: env.S3_SECRET_ACCESS_KEY,
    forcePathStyle: env.S3_FORCE_PATH_STYLE === "true",
  });
  producer = await openProducer(kafka, silentLogger);
  admin = await openAdmin(kafka, silentLogger);
  await store.ensureBucket(bucket);
});

afterAll(async () => {
  await producer.close();
  await admin.close();
  store.close();
});

describe("ingest on a real S3 and Kafka", () => {
  it("uploads a folder, announces each photo once, and finds the same photos by listing", async () => {
    const uploadPrefix = await newTopics();
    const options = { folder, bucket, prefix: "photos/", ...rules };
    const upload = () =>
      uploadFolder(store, announcerOn(uploadPrefix), { ...options, isKnown: () => true }, hooks, () => {});
    const first = await upload();
    expect(first.announced).toBeGreaterThan(0);
    expect(await upload()).toMatchObject({ announced: 0, uploaded: 0, existing: first.announced });

    const listPrefix = await newTopics();
    const listing = { bucket, prefix: "photos/", looks: true, isKnown: () => false, ...rules };
    const listed = await backfill(store, announcerOn(listPrefix), listing, hooks, () => {});
    expect(listed.announced).toBe(first.announced);

    const uploaded = await readPhotos(uploadPrefix, first.announced);
    const found = await readPhotos(listPrefix, listed.announced);
    expect(found.map(identityOf)).toEqual(uploaded.map(identityOf));
    for (const { key, label } of uploaded) expect(key.split("/").at(-2)).toBe(label);
  });

  it("announces what it has put when an upload is told to stop, and says so with its exit code", async () => {
    const uploads = `ingest-${randomUUID()}`;
    await store.ensureBucket(uploads);
    const prefix = await newTopics();
    const main = fileURLToPath(new URL("../../cli/fruitstream.ts", import.meta.url));
    const large = fileURLToPath(new URL("../../../shared/fruits360/large", import.meta.url));
    const command = spawn(process.execPath, [main, "ingest", "upload", large, "--bucket", uploads], {
      env: { ...env, TOPIC_PREFIX: prefix },
      stdio: "ignore",
    });
    const ended = once(command, "exit");
    try {
      await vi.waitFor(async () => expect(await keysIn(uploads)).not.toEqual([]), { timeout: 30_000 });
      command.kill("SIGTERM");
      expect(await ended).toEqual([143, null]);
      const keys = await keysIn(uploads);
      expect((await readPhotos(prefix, keys.length)).map(({ key }) => key)).toEqual(keys.sort());
      expect(keys.length).toBeLessThan(10_000);
    } finally {
      command.kill("SIGKILL");
    }
  });

  it("takes a photo over HTTP", async () => {
    const { prefix, service, port } = await startService();
    try {
      const url = `http://127.0.0.1:${port}/v1/photos/kiwi/1.jpg`;
      const answer = await fetch(url, { method: "PUT", body: PHOTO });
      expect(answer.status).toBe(201);
      const { etag } = (await answer.json()) as { etag: string };
      const stored = await store.get({ bucket, key: "photos/kiwi/1.jpg" }, { bytesMax: 10_000, ifMatch: etag });
      expect(Buffer.from(stored.bytes).equals(PHOTO)).toBe(true);
      expect(await readPhotos(prefix, 1)).toMatchObject([{ bucket, key: "photos/kiwi/1.jpg", etag, label: "kiwi" }]);
      expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(200);
    } finally {
      service.kill("SIGKILL");
    }
  });

  it("under SIGTERM answers the uploads in flight, leaves with code 0, and has announced every 201", async () => {
    const { prefix, service, port, logged } = await startService();
    try {
      const uploads = await Promise.all(Array.from({ length: 20 }, (_, index) => beginUpload(port, `${index}.jpg`)));
      service.kill("SIGTERM");
      await logged("stopping");
      const statuses = await Promise.all(uploads.map((finish) => finish()));
      expect(statuses).toEqual(Array(20).fill(201));
      expect(await once(service, "exit")).toEqual([0, null]);
      const keys = (await readPhotos(prefix, 20)).map(({ key }) => key);
      expect(keys).toEqual(Array.from({ length: 20 }, (_, index) => `photos/lemon/${index}.jpg`).sort());
    } finally {
      service.kill("SIGKILL");
    }
  });
});

const PHOTO = Buffer.concat([Buffer.from("ffd8ffe0", "hex"), Buffer.alloc(5000, 1)]);

interface Entry {
  readonly msg: string;
  readonly event?: string;
  readonly port: number;
}

/** The service as a process of its own, once it takes requests. */
async function startService() {
  const prefix = await newTopics();
  const main = fileURLToPath(new URL("../../services/ingest/main.ts", import.meta.url));
  const settings = { TOPIC_PREFIX: prefix, PHOTOS_BUCKET: bucket, HTTP_PORT: "0", LOG_LEVEL: "info" };
  const service = spawn(process.execPath, [main], {
    env: { ...env, ...settings },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = createInterface({ input: service.stdout })[Symbol.asyncIterator]();
  const logged = async (event: string): Promise<Entry> => {
    for (;;) {
      const { done, value } = await lines.next();
      if (done) throw new Error(`the service ended before it logged "${event}"`);
      const entry = JSON.parse(value) as Entry;
      if (entry.event === event) return entry;
    }
  };
  const { port } = await logged("ingest_started");
  return { prefix, service, port, logged };
}

/** Sends half of a photo once the service has asked for it; the returned function sends the rest and gives the status. */
async function beginUpload(port: number, name: string): Promise<() => Promise<number>> {
  const headers = { expect: "100-continue", "content-length": PHOTO.byteLength };
  const upload = request({ host: "127.0.0.1", port, method: "PUT", path: `/v1/photos/lemon/${name}`, headers });
  const asked = once(upload, "continue");
  upload.flushHeaders();
  await asked;
  upload.write(PHOTO.subarray(0, 2000));
  return async () => {
    const answered = once(upload, "response") as Promise<[IncomingMessage]>;
    upload.end(PHOTO.subarray(2000));
    const [response] = await answered;
    response.resume();
    return response.statusCode!;
  };
}

async function keysIn(name: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(name, "")) keys.push(key);
  return keys;
}

/** Topics of their own; the prefix that names them. */
async function newTopics(): Promise<string> {
  const prefix = `ingest-test-${randomUUID()}.`;
  await admin.ensureTopics(topicShapes(topicsWithPrefix(prefix), 3));
  return prefix;
}

function announcerOn(prefix: string): PhotoAnnouncer {
  return new PhotoAnnouncer((records) => producer.append(topicsWithPrefix(prefix).photos, records), systemClock);
}

/** Everything on the topic of photos, once there are so many, in the order of keys. */
async function readPhotos(prefix: string, count: number): Promise<PhotoArrived[]> {
  const topic = topicsWithPrefix(prefix).photos;
  const ends = await admin.endOffsets(topic);
  expect(ends.reduce((total, { offset }) => total + offset, 0)).toBe(count);
  const consumer = createConsumer({ ...kafka, topic, group: randomUUID(), sessionMsMax: 10_000 }, silentLogger);
  const photos: PhotoArrived[] = [];
  await consumer.run({
    assigned: async () => new Map(),
    records: async (_, records) => {
      photos.push(...records.map(({ value }) => photoArrivedCodec.decode(value)));
      if (photos.length === count) void consumer.stop();
    },
  });
  return photos.sort((a, b) => (a.key < b.key ? -1 : 1));
}

function identityOf({ bucket, key, etag, sizeBytes, label }: PhotoArrived) {
  return { bucket, key, etag, sizeBytes, label };
}
