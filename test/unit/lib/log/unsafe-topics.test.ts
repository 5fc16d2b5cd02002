import { expect, test } from "vitest";
import type { TopicSafety, TopicShape } from "#lib/log/record-log.ts";
import { dangersOf, warnOfUnsafeTopics } from "#lib/log/unsafe-topics.ts";
import { schemaTopicShape, topicShapes, topicsWithPrefix } from "#lib/messages/topics.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { silentLogger } from "#lib/runtime/logger.ts";
import { MemoryRecordLog } from "../../../fakes/memory-record-log.ts";

const DAY_MS = 86_400_000;
const topics = topicsWithPrefix("");
const shapes = [...topicShapes(topics, 4), schemaTopicShape(topics.schemas)];
const [photos, features, deadLetters, schemas] = shapes as [TopicShape, TopicShape, TopicShape, TopicShape];

test.each([
  { shape: schemas, has: { cleanupPolicy: "delete" }, dangers: ["cleanup.policy=delete→compact"] },
  { shape: schemas, has: { cleanupPolicy: "compact,delete" }, dangers: ["cleanup.policy=compact,delete→compact"] },
  { shape: schemas, has: { cleanupPolicy: "compact", retentionMs: 1 }, dangers: [] },
  { shape: deadLetters, has: { retentionMs: 7 * DAY_MS }, dangers: ["retention.ms=604800000→-1"] },
  { shape: deadLetters, has: { retentionMs: -1 }, dangers: [] },
  { shape: features, has: { retentionMs: DAY_MS }, dangers: ["retention.ms=86400000→604800000"] },
  { shape: features, has: { retentionMs: 7 * DAY_MS }, dangers: [] },
  { shape: photos, has: { retentionMs: -1 }, dangers: [] },
  { shape: photos, has: { retentionMs: -1, cleanupPolicy: "compact" }, dangers: ["cleanup.policy=compact→delete"] },
  { shape: photos, has: { retentionMs: -1, replicas: 3 }, dangers: ["min.insync.replicas=1→2"] },
  { shape: photos, has: { retentionMs: -1, replicas: 3, inSyncReplicasMin: 2 }, dangers: [] },
])("$shape.topic with $has: $dangers", ({ shape, has, dangers }) => {
  const found = dangersOf(shape, { ...safe(shape.topic), ...has });
  expect(found.map(({ setting, value, wanted }) => `${setting}=${value}→${wanted}`)).toEqual(dangers);
});

test("a warning names topic, value and what mends it", async () => {
  const log = new MemoryRecordLog();
  log.safety = [{ ...safe("features"), retentionMs: DAY_MS }];
  const warnings: string[] = [];
  const logger = { ...silentLogger, warn: (_fields: object, message: string) => void warnings.push(message) };
  await warnOfUnsafeTopics(log, shapes, logger as unknown as typeof silentLogger);
  expect(warnings).toEqual([
    'topic "features" has retention.ms=86400000: records are kept for 1 days, and are meant to be kept for 7 days; mend it by kafka-configs.sh --bootstrap-server … --alter --entity-type topics --entity-name features --add-config retention.ms=604800000',
  ]);
});

test("who may not ask works on without warnings", async () => {
  const topicSafety = () => Promise.reject(new FruitstreamError("access-denied", "Kafka refused describing topics"));
  await warnOfUnsafeTopics({ topicSafety }, shapes, silentLogger);
});

function safe(topic: string): TopicSafety {
  return { topic, cleanupPolicy: "delete", retentionMs: 7 * DAY_MS, replicas: 1, inSyncReplicasMin: 1 };
}
