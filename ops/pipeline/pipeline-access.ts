import { openAdmin } from "#lib/log/kafka/kafka-admin.ts";
import type { KafkaSettings } from "#lib/log/kafka/kafka-client.ts";
import { openProducer } from "#lib/log/kafka/kafka-producer.ts";
import { kafkaRecordLog } from "#lib/log/kafka/kafka-record-log.ts";
import type { LogAdmin, PositionedProducer } from "#lib/log/record-log.ts";
import { SchemaTopic } from "#lib/messages/avro/schema-topic.ts";
import { type Topics, topicsConfig, topicsWithPrefix } from "#lib/messages/topics.ts";
import { readConfig } from "#lib/runtime/config.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { createLogger, type Logger, readLogLevel } from "#lib/runtime/logger.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import type { StackEndpoints } from "#stack/endpoints.ts";
import { openStackStore, requireEndpoints } from "./endpoints.ts";

/** What a command needs that acts on a pipeline: its topics, and the means to reach Kafka and S3. */
export interface PipelineAccess {
  readonly endpoints: StackEndpoints;
  readonly topicPrefix: string;
  readonly topics: Topics;
  readonly kafka: KafkaSettings;
  readonly admin: LogAdmin;
  readonly producer: PositionedProducer;
  readonly schemas: SchemaTopic;
  readonly store: ObjectStore;
  readonly logger: Logger;
}

/**
 * Does a command's work with access to the pipeline that the environment names, and closes it afterwards.
 *
 * @param command names the process in Kafka's logs.
 */
export async function withPipelineAccess<Result>(
  command: string,
  work: (access: PipelineAccess) => Promise<Result>,
): Promise<Result> {
  const logger = createLogger(command, readLogLevel(process.env, "warn"));
  const endpoints = await requireEndpoints();
  const { topicPrefix } = readConfig(topicsConfig, process.env);
  const kafka = { brokers: endpoints.kafkaBrokers, clientId: `fruitstream-${command}-${process.pid}` };
  const admin = await openAdmin(kafka, logger);
  const store = openStackStore(endpoints);
  try {
    const producer = await openProducer(kafka, logger);
    try {
      const topics = topicsWithPrefix(topicPrefix);
      const schemas = new SchemaTopic({ topic: topics.schemas, log: kafkaRecordLog(kafka, logger), admin, logger });
      return await work({ endpoints, topicPrefix, topics, kafka, admin, producer, schemas, store, logger });
    } finally {
      await producer.close();
    }
  } finally {
    await admin.close();
    store.close();
  }
}

/** @throws usage when there is no such topic: the command works on another installation than its caller believes. */
export async function requireTopic(admin: LogAdmin, topic: string): Promise<number> {
  const partitions = await admin.partitionCount(topic);
  if (partitions !== undefined) return partitions;
  throw new FruitstreamError("usage", `there is no topic "${topic}"; check KAFKA_BROKERS and TOPIC_PREFIX`);
}

/** The table that a command's option or the environment names. */
export function requireTableUri(uri = process.env.TABLE_URI): string {
  if (uri) return uri;
  throw new FruitstreamError("usage", "which table? name it with --table s3://bucket/prefix, or set TABLE_URI");
}
