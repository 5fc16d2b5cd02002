import kafkajs, { type Message } from "kafkajs";
import type { Logger } from "../runtime/logger.ts";
import { createKafka, fromKafkaError, type KafkaSettings, RETRY } from "./kafka-client.ts";
import type { NewRecord, RecordProducer } from "./record-log.ts";

/** Below the broker's default max.message.bytes (1 MiB), with room for what the record batch itself adds. */
const REQUEST_BYTES_MAX = 900_000;
const RECORD_OVERHEAD_BYTES = 100;

/**
 * A producer that waits for all in-sync replicas. Each partition's order within a call is kept because a call's next
 * chunk is sent only when the one before is acknowledged; a chunk may be appended twice when its reply was lost.
 */
export async function openProducer(settings: KafkaSettings, logger: Logger): Promise<RecordProducer> {
  const producer = createKafka(settings, logger).producer({
    allowAutoTopicCreation: false,
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    retry: RETRY,
  });
  try {
    await producer.connect();
  } catch (error) {
    throw fromKafkaError(error, `connecting to ${settings.brokers.join(",")}`);
  }
  return {
    async append(topic, records) {
      try {
        for (const messages of chunksOf(records)) await producer.send({ topic, acks: -1, messages });
      } catch (error) {
        throw fromKafkaError(error, `appending ${records.length} records to "${topic}"`);
      }
    },
    close: () => producer.disconnect(),
  };
}

/** Consecutive records, as many as fit into one request. A record that is larger by itself is left to the broker. */
function* chunksOf(records: readonly NewRecord[]): Generator<Message[]> {
  let chunk: Message[] = [];
  let chunkBytes = 0;
  for (const { partition, key, value } of records) {
    const bytes = value.byteLength + (key?.byteLength ?? 0) + RECORD_OVERHEAD_BYTES;
    if (chunk.length > 0 && chunkBytes + bytes > REQUEST_BYTES_MAX) {
      yield chunk;
      chunk = [];
      chunkBytes = 0;
    }
    const message = { key: key && asBuffer(key), value: asBuffer(value) };
    chunk.push(partition === undefined ? message : { ...message, partition });
    chunkBytes += bytes;
  }
  if (chunk.length > 0) yield chunk;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
