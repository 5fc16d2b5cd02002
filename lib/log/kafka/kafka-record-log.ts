import type { Logger } from "#lib/runtime/logger.ts";
import type { RecordLog } from "../record-log.ts";
import { openAdmin } from "./kafka-admin.ts";
import type { KafkaSettings } from "./kafka-client.ts";
import { createConsumer } from "./kafka-consumer.ts";
import { openProducer } from "./kafka-producer.ts";
import { readTopic } from "./read-topic.ts";

/** The log that lives on Kafka's brokers. Nothing is connected until something is opened. */
export function kafkaRecordLog(settings: KafkaSettings, logger: Logger): RecordLog {
  return {
    openAdmin: () => openAdmin(settings, logger),
    openProducer: (options) => openProducer(settings, logger, options),
    createConsumer: (membership) => createConsumer({ ...settings, ...membership }, logger),
    readTopic: (topic, onRecord, from) => readTopic(settings, topic, logger, onRecord, from),
  };
}
