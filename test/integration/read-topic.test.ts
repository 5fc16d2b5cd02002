import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, inject, test, vi } from "vitest";
import { openAdmin } from "#lib/log/kafka/kafka-admin.ts";
import { createKafka } from "#lib/log/kafka/kafka-client.ts";
import { openProducer } from "#lib/log/kafka/kafka-producer.ts";
import { readTopic } from "#lib/log/kafka/read-topic.ts";
import type { LogAdmin, PositionedProducer } from "#lib/log/record-log.ts";
import { silentLogger } from "#lib/runtime/logger.ts";

/** As many as services that start at the same time, within what a broker under test joins to groups in seconds. */
const READERS = 24;
const PARTITIONS = 2;

const settings = { brokers: inject("stackEnv").KAFKA_BROKERS!.split(","), clientId: "read-topic-test" };
let admin: LogAdmin;
let producer: PositionedProducer;

beforeAll(async () => {
  admin = await openAdmin(settings, silentLogger);
  producer = await openProducer(settings, silentLogger);
});
afterAll(async () => {
  await producer.close();
  await admin.close();
});

test("many readings at once of a topic that is being written give each what it held when they began", async () => {
  const topic = await newTopic();
  await append(topic, 10);
  const writing = new AbortController();
  const writer = (async () => {
    while (!writing.signal.aborted) await append(topic, 5);
  })();
  try {
    await Promise.all(
      Array.from({ length: READERS }, async () => {
        const before = await admin.endOffsets(topic);
        const offsets = await readOffsets(topic);
        const after = await admin.endOffsets(topic);
        for (const { partition, offset } of before) {
          const read = offsets.get(partition)!;
          expect(read).toEqual(read.map((_, index) => index));
          expect(read.length).toBeGreaterThanOrEqual(offset);
          expect(read.length).toBeLessThanOrEqual(after[partition]!.offset);
        }
      }),
    );
  } finally {
    writing.abort();
    await writer;
  }
});

test("a reading ends at a tail of which nothing is left to read, markers and aborted records", async () => {
  const topic = await newTopic();
  await append(topic, 3);
  const transactional = createKafka(settings, silentLogger).producer({
    transactionalId: randomUUID(),
    maxInFlightRequests: 1,
    idempotent: true,
  });
  await transactional.connect();
  try {
    const committed = await transactional.transaction();
    await committed.send({ topic, messages: [{ partition: 0, value: "committed" }] });
    await committed.commit();
    const aborted = await transactional.transaction();
    await aborted.send({ topic, messages: [{ partition: 1, value: "aborted" }] });
    await aborted.abort();
  } finally {
    await transactional.disconnect();
  }
  // The broker writes the markers after it has answered.
  await vi.waitFor(async () => {
    const ends = await admin.endOffsets(topic);
    expect(ends.map(({ offset }) => offset)).toEqual([5, 5]);
  });
  expect(Object.fromEntries(await readOffsets(topic))).toEqual({ 0: [0, 1, 2, 3], 1: [0, 1, 2] });
});

test("what the handler throws ends the reading, and its consumer has left the group by then", async () => {
  const topic = await newTopic();
  await append(topic, 3);
  const failure = new Error("the handler has failed");
  await expect(readTopic(settings, topic, silentLogger, () => Promise.reject(failure))).rejects.toBe(failure);
  const client = createKafka(settings, silentLogger).admin();
  await client.connect();
  try {
    const { groups } = await client.listGroups();
    const readers = groups.map(({ groupId }) => groupId).filter((group) => group.startsWith("fruitstream-read-"));
    const { groups: described } = await client.describeGroups(readers);
    expect(described.flatMap(({ members }) => members)).toEqual([]);
  } finally {
    await client.disconnect();
  }
});

async function newTopic(): Promise<string> {
  const topic = `read-${randomUUID()}`;
  await admin.ensureTopics([{ topic, partitions: PARTITIONS }]);
  return topic;
}

/** Appends so many records to every partition. */
async function append(topic: string, count: number): Promise<void> {
  const partitions = Array.from({ length: PARTITIONS * count }, (_, index) => index % PARTITIONS);
  await producer.append(
    topic,
    partitions.map((partition) => ({ partition, key: null, value: Buffer.from("record") })),
  );
}

/** By partition, the offsets of the records that a reading gave, in their order. */
async function readOffsets(topic: string): Promise<Map<number, number[]>> {
  const offsets = new Map<number, number[]>();
  await readTopic(settings, topic, silentLogger, ({ partition, offset }) => {
    offsets.set(partition, [...(offsets.get(partition) ?? []), offset]);
  });
  return offsets;
}
