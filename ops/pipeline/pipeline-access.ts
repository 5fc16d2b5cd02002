import { kafkaRecordLog } from "#lib/log/kafka/kafka-record-log.ts";
import type { LogAdmin, PositionedProducer, RecordLog } from "#lib/log/record-log.ts";
import { SchemaTopic } from "#lib/messages/avro/schema-topic.ts";
import { type Topics, topicsConfig, topicsWithPrefix } from "#lib/messages/topics.ts";
import { type Environment, readConfig } from "#lib/runtime/config.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { createLogger, type Logger, readLogLevel, STANDARD_ERROR } from "#lib/runtime/logger.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import type { StackEndpoints } from "#stack/endpoints.ts";
import { openStackStore, requireEndpoints } from "./endpoints.ts";
import type { OpsDeps } from "./ops-deps.ts";
import { tellingWait } from "./waiting.ts";

/** The messages of a pipeline, wherever its log is. */
export interface MessageAccess {
  readonly topics: Topics;
  readonly log: RecordLog;
  readonly admin: LogAdmin;
  readonly producer: PositionedProducer;
  readonly schemas: SchemaTopic;
}

/** What an operation needs that acts on a pipeline of servers: its topics, and the means to reach Kafka and S3. */
export interface PipelineAccess extends MessageAccess {
  /** For the processes that are started for it. */
  readonly env: Environment;
  readonly endpoints: StackEndpoints;
  readonly topicPrefix: string;
  readonly store: ObjectStore;
  readonly logger: Logger;
}

/**
 * Does an operation's work with access to the pipeline that the environment names, and closes it afterwards.
 *
 * @param name names the process in Kafka's logs.
 * @throws broker-unavailable when no broker answers; what is waited for is noted long before.
 */
export async function withPipelineAccess<Result>(
  name: string,
  { env, note }: OpsDeps,
  work: (access: PipelineAccess) => Promise<Result>,
): Promise<Result> {
  const logger = createLogger(name, readLogLevel(env, "warn"), STANDARD_ERROR);
  const endpoints = await requireEndpoints(env);
  const { topicPrefix } = readConfig(topicsConfig, env);
  const topics = topicsWithPrefix(topicPrefix);
  const kafka = { brokers: endpoints.kafkaBrokers, clientId: `fruitstream-${name}-${process.pid}` };
  await using opened = new AsyncDisposableStack();
  const log = kafkaRecordLog(kafka, logger);
  const { admin, producer } = await tellingWait(`Kafka at ${endpoints.kafkaBrokers}`, note, async () => {
    const admin = await log.openAdmin();
    opened.defer(() => admin.close());
    const producer = await log.openProducer();
    opened.defer(() => producer.close());
    return { admin, producer };
  });
  const store = openStackStore(endpoints);
  opened.defer(() => store.close());
  const schemas = new SchemaTopic({ topic: topics.schemas, log, admin, logger });
  return await work({ env, endpoints, topicPrefix, topics, log, admin, producer, schemas, store, logger });
}

/** @throws usage when there is no such topic: the command works on another installation than its caller believes. */
export async function requireTopic(admin: LogAdmin, topic: string): Promise<number> {
  const partitions = await admin.partitionCount(topic);
  if (partitions !== undefined) return partitions;
  throw new FruitstreamError("usage", `there is no topic "${topic}"; check KAFKA_BROKERS and TOPIC_PREFIX`);
}
