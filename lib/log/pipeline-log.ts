import { SchemaTopic } from "#lib/messages/avro/schema-topic.ts";
import { ForgottenTopic } from "#lib/messages/forgotten-topic.ts";
import { schemaTopicShape, type TopicRetention, type Topics, topicShapes } from "#lib/messages/topics.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import type { LogAdmin, PositionedProducer, ProducerOptions, RecordLog } from "./record-log.ts";
import { warnOfUnsafeTopics } from "./unsafe-topics.ts";

/** The log as a process finds it that reads or writes messages. */
export interface PipelineLog {
  readonly admin: LogAdmin;
  readonly producer: PositionedProducer;
  readonly schemas: SchemaTopic;
  /** Not read yet: `refresh` does. */
  readonly forgotten: ForgottenTopic;
  /** Partitions of the features topic. */
  readonly featuresPartitions: number;
  close(): Promise<void>;
}

export interface PipelineLogOptions {
  readonly topics: Topics;
  /** Of topics that are not there yet. */
  readonly partitions: number;
  /** Of topics that are not there yet; those that are there are held against it. */
  readonly retention?: TopicRetention;
  readonly logger: Logger;
  readonly producer?: ProducerOptions;
  /** Runs each step of the start, as often as its caller likes. */
  readonly attempt?: <Result>(step: () => Promise<Result>) => Promise<Result>;
}

/**
 * Opens the log, and makes sure that topics and schemas are there before the first message.
 *
 * @throws what a step throws for good; what was opened is closed again.
 */
export async function openPipelineLog(
  log: RecordLog,
  { topics, partitions, retention, logger, producer: producerOptions, attempt = (step) => step() }: PipelineLogOptions,
): Promise<PipelineLog> {
  await using opened = new AsyncDisposableStack();
  const admin = await attempt(() => log.openAdmin());
  opened.defer(() => admin.close());
  const shapes = topicShapes(topics, partitions, retention);
  await attempt(() => admin.ensureTopics(shapes));
  const featuresPartitions = (await attempt(() => admin.partitionCount(topics.features)))!;
  const producer = await attempt(() => log.openProducer(producerOptions));
  opened.defer(() => producer.close());
  const schemas = new SchemaTopic({ topic: topics.schemas, log, admin, logger });
  await attempt(() => schemas.publish(producer));
  // Nothing of the start depends on it, and its three requests take as long as all the rest where brokers are slow.
  const warning = warnOfUnsafeTopics(admin, [...shapes, schemaTopicShape(topics.schemas)], logger);
  opened.defer(() => warning);

  const forgotten = new ForgottenTopic({ topic: topics.forgotten, log, admin, logger });
  const held = opened.move();
  return { admin, producer, schemas, forgotten, featuresPartitions, close: () => held.disposeAsync() };
}
