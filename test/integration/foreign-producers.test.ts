import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { openAdmin } from "#lib/log/kafka/kafka-admin.ts";
import { openProducer } from "#lib/log/kafka/kafka-producer.ts";
import { readTopic } from "#lib/log/kafka/read-topic.ts";
import type { LogAdmin, LogRecord } from "#lib/log/record-log.ts";
import { silentLogger } from "#lib/runtime/logger.ts";
import { batchOf, rawRecords } from "../unit/lib/log/kafka/batches/make-batch.ts";

const FIXTURES = new URL("../unit/lib/log/kafka/batches/fixtures/", import.meta.url);
const settings = { brokers: inject("stackEnv").KAFKA_BROKERS!.split(","), clientId: "foreign-producers-test" };
let admin: LogAdmin;

beforeAll(async () => {
  admin = await openAdmin(settings, silentLogger);
});
afterAll(() => admin.close());

test("what other producers have compressed is read from the broker, whichever way", async () => {
  for (const name of readdirSync(FIXTURES).filter((file) => file.endsWith(".bin"))) {
    const topic = await newTopic();
    await produce(topic, readFileSync(new URL(name, FIXTURES)));
    const records = await recordsOf(topic);
    expect(records.map(({ offset }) => offset)).toEqual(Array.from({ length: 300 }, (_, index) => index));
    expect(records[299]!.value!.toString()).toBe("photo 299 ".repeat(50));
  }
});

test("a batch that expands without end is one record that says so, and those behind it are read", async () => {
  const topic = await newTopic();
  const bomb = zstdCompressSync(rawRecords(["x".repeat(100_000_000)]));
  await produce(topic, batchOf({ baseOffset: 0n, codec: 4, body: bomb, count: 1 }));
  const producer = await openProducer(settings, silentLogger);
  await producer.append(topic, [{ partition: 0, key: null, value: Buffer.from("honest") }]);
  await producer.close();
  const values = (await recordsOf(topic)).map(({ value }) => value!.toString());
  expect(values).toEqual([expect.stringMatching(/^unreadable record batch: 1 records.*zstd: it expands/), "honest"]);
});

async function newTopic(): Promise<string> {
  const topic = `foreign-${randomUUID()}`;
  await admin.ensureTopics([{ topic, partitions: 1 }]);
  return topic;
}

async function recordsOf(topic: string): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  await readTopic(settings, topic, silentLogger, (record) => void records.push(record));
  return records;
}

/** Appends a batch as it is, by a Produce request of version 8 (https://kafka.apache.org/protocol). */
async function produce(topic: string, batch: Buffer): Promise<void> {
  const head = [int(2, 0), int(2, 8), int(4, 1), int(2, -1), int(2, -1), int(2, -1), int(4, 30_000)];
  const target = [int(4, 1), int(2, topic.length), Buffer.from(topic), int(4, 1), int(4, 0)];
  const request = Buffer.concat([...head, ...target, int(4, batch.length), batch]);
  const [host, port] = settings.brokers[0]!.split(":");
  const socket = connect({ host: host!, port: Number(port) });
  socket.write(Buffer.concat([int(4, request.length), request]));
  const [answer] = (await once(socket, "data")) as [Buffer];
  socket.destroy();
  const errorAt = 4 + 4 + 4 + 2 + topic.length + 4 + 4;
  expect(answer.readInt16BE(errorAt)).toBe(0);
}

function int(width: number, value: number): Buffer {
  const bytes = Buffer.alloc(width);
  bytes.writeIntBE(value, 0, width);
  return bytes;
}
