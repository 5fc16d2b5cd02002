import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Producer } from "kafkajs";
import { afterEach, beforeEach, expect, inject, test, vi } from "vitest";
import { createKafka } from "#lib/log/kafka/kafka-client.ts";
import { offsetMap } from "#lib/log/partition-offsets.ts";
import type { RecordProducer } from "#lib/log/record-log.ts";
import { topicProgress } from "#lib/log/topic-progress.ts";
import { silentLogger } from "#lib/runtime/logger.ts";
import { colouredPhoto, TinyPipeline } from "./tiny-pipeline.ts";

const settings = { brokers: inject("stackEnv").KAFKA_BROKERS!.split(","), clientId: "transactional-photos-test" };
let pipeline: TinyPipeline;
let producer: Producer;

beforeEach(async () => {
  pipeline = await TinyPipeline.open(2);
  producer = createKafka(settings, silentLogger).producer({
    transactionalId: randomUUID(),
    maxInFlightRequests: 1,
    idempotent: true,
  });
  await producer.connect();
});
afterEach(async () => {
  await producer.disconnect();
  await pipeline.close();
});

test("photos announced in transactions are rows, those of aborted ones are not, and markers are no gaps", {
  timeout: 180_000,
}, async () => {
  const model = await pipeline.model("mean", 1);
  pipeline.start("featurizer", { FEATURIZER_MODEL_DIR: model });
  pipeline.start("reducer");
  const announced = await pipeline.announce(3);
  for (let round = 0; round < 3; round++) announced.push(...(await announceInTransaction(4, "commit")));
  await announceInTransaction(4, "abort");
  announced.push(...(await announceInTransaction(2, "commit")));
  // Everything up to the last marker is done, so that nothing looks like work that stands still.
  await pipeline.untilFeaturized();
  const replayed = await pipeline.cli("replay", "--topic", "photos", "--run", "second", "--model", model);
  expect(replayed.stdout).toMatch(/without a photo +\d+/);
  expect(replayed.stdout).not.toMatch(/are neither|count twice/);
  expect(replayed.code).toBe(0);
  expect((await pipeline.cli("flush")).code).toBe(0);
  for (const run of ["live", "second"]) {
    const paths = (await pipeline.rows()).filter((row) => row.run === run).map(({ path }) => path);
    expect(paths.sort()).toEqual(announced.map((key) => pipeline.photoUri(key)).sort());
  }
  expect(logOf("featurizer-0")).not.toMatch(/records_missing|offsets_restarted/);
});

test("photos of a transaction that is still open are waited for without a word, and count as nothing to do", {
  timeout: 180_000,
}, async () => {
  const featurizer = pipeline.start("featurizer", { FEATURIZER_MODEL_DIR: await pipeline.model("mean", 1) });
  pipeline.start("reducer");
  const announced = await pipeline.announce(3);
  const transaction = await producer.transaction();
  announced.push(
    ...(await pipeline.announce(4, colouredPhoto, async (topic, records) => {
      const messages = records.map(({ key, value }) => ({ key: key && Buffer.from(key), value: Buffer.from(value) }));
      await transaction.send({ topic, messages });
    })),
  );
  // Behind the open transaction on both partitions.
  announced.push(...(await pipeline.announce(6)));
  await pipeline.untilFeaturized();
  const { committedOffsets } = pipeline.admin;
  const committed = offsetMap(await committedOffsets(pipeline.env.FEATURIZER_GROUP!, pipeline.topics.photos));
  expect(await topicProgress(pipeline.admin, pipeline.topics.photos, committed)).toMatchObject({ toDo: 0 });
  expect((await pipeline.rows()).length).toBeLessThan(announced.length);
  expect((await fetch(`${featurizer.url}/readyz`)).status).toBe(200);

  await transaction.commit();
  await pipeline.untilFeaturized();
  expect((await pipeline.cli("flush")).code).toBe(0);
  const paths = (await pipeline.rows()).map(({ path }) => path);
  expect(paths.sort()).toEqual(announced.map((key) => pipeline.photoUri(key)).sort());
  expect(logOf("featurizer-0")).not.toMatch(/records_missing|offsets_restarted|work_stuck/);
});

test("partitions may be added to the topic of photos at any time", { timeout: 180_000 }, async () => {
  pipeline.start("featurizer", { FEATURIZER_MODEL_DIR: await pipeline.model("mean", 1) });
  pipeline.start("reducer");
  const announced = await pipeline.announce(5);
  await pipeline.untilFeaturized();
  const admin = createKafka(settings, silentLogger).admin();
  await admin.connect();
  await admin.createPartitions({ topicPartitions: [{ topic: pipeline.topics.photos, count: 5 }] });
  await admin.disconnect();
  let partition = 0;
  // A producer that knows nothing of a partition says so, and looks for it.
  const onEach: RecordProducer["append"] = async (topic, [record]) => {
    const placed = [{ ...record!, partition: partition++ % 5 }];
    await vi.waitFor(() => pipeline.producer.append(topic, placed), { timeout: 10_000 });
  };
  await vi.waitFor(async () => expect(await pipeline.admin.partitionCount(pipeline.topics.photos)).toBe(5));
  announced.push(...(await pipeline.announce(10, colouredPhoto, onEach)));
  await pipeline.untilFeaturized();
  expect((await pipeline.cli("flush")).code).toBe(0);
  const paths = (await pipeline.rows()).map(({ path }) => path);
  expect(paths.sort()).toEqual(announced.map((key) => pipeline.photoUri(key)).sort());
});

function announceInTransaction(count: number, end: "commit" | "abort"): Promise<string[]> {
  return pipeline.announce(count, colouredPhoto, async (topic, records) => {
    const transaction = await producer.transaction();
    const messages = records.map(({ key, value }) => ({ key: key && Buffer.from(key), value: Buffer.from(value) }));
    await transaction.send({ topic, messages });
    await transaction[end]();
  });
}

function logOf(service: string): string {
  return readFileSync(join(pipeline.folder, `${service}.log`), "utf8");
}
