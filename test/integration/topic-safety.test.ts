import { randomUUID } from "node:crypto";
import { expect, inject, test } from "vitest";
import { openAdmin } from "#lib/log/kafka/kafka-admin.ts";
import { kafkaRecordLog } from "#lib/log/kafka/kafka-record-log.ts";
import { openPipelineLog } from "#lib/log/pipeline-log.ts";
import { topicsWithPrefix } from "#lib/messages/topics.ts";
import { silentLogger } from "#lib/runtime/logger.ts";

const DAY_MS = 86_400_000;

test("topics are created with what they keep, and those that keep less are warned of", async () => {
  const settings = { brokers: inject("stackEnv").KAFKA_BROKERS!.split(","), clientId: "topic-safety-test" };
  const topics = topicsWithPrefix(`${randomUUID()}.`);
  const admin = await openAdmin(settings, silentLogger);
  const warned: unknown[] = [];
  const logger = {
    ...silentLogger,
    warn: (fields: object) => void warned.push(fields),
  } as unknown as typeof silentLogger;
  const open = async (days: number) => {
    const retention = { topicPhotosRetentionDays: 30, topicFeaturesRetentionDays: days };
    const log = kafkaRecordLog(settings, silentLogger);
    await (await openPipelineLog(log, { topics, partitions: 2, retention, logger })).close();
  };
  await open(3);
  expect(warned).toEqual([]);
  const kept = await admin.topicSafety(Object.values(topics));
  const retentions = kept.map(({ topic, cleanupPolicy, retentionMs }) => [topic, `${cleanupPolicy} ${retentionMs}`]);
  expect(Object.fromEntries(retentions)).toMatchObject({
    [topics.photos]: `delete ${30 * DAY_MS}`,
    [topics.features]: `delete ${3 * DAY_MS}`,
    [topics.deadLetters]: "delete -1",
    [topics.schemas]: expect.stringContaining("compact "),
  });
  await open(9);
  expect(warned).toEqual([
    expect.objectContaining({
      event: "topic_unsafe",
      topic: topics.features,
      setting: "retention.ms",
      value: `${3 * DAY_MS}`,
    }),
  ]);
  await admin.close();
});
