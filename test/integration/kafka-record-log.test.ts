import { inject } from "vitest";
import { openAdmin } from "#lib/log/kafka/kafka-admin.ts";
import { createConsumer } from "#lib/log/kafka/kafka-consumer.ts";
import { openProducer } from "#lib/log/kafka/kafka-producer.ts";
import { silentLogger } from "#lib/runtime/logger.ts";
import { describeRecordLogContract } from "../contract/record-log.ts";

describeRecordLogContract("Kafka through kafkajs", async () => {
  const settings = { brokers: inject("stackEnv").KAFKA_BROKERS!.split(","), clientId: "contract-suite" };
  return {
    producer: await openProducer(settings, silentLogger),
    admin: await openAdmin(settings, silentLogger),
    consumer: (group, topic) => createConsumer({ ...settings, group, topic, sessionMsMax: 6_000 }, silentLogger),
  };
});
