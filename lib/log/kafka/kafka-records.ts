import type { KafkaMessage, Message, RecordMetadata } from "kafkajs";
import type { LogRecord, NewRecord, PartitionOffset } from "../record-log.ts";

/** Below the broker's default max.message.bytes (1 MiB), with room for what the record batch itself adds. */
const REQUEST_BYTES_MAX = 900_000;
const RECORD_OVERHEAD_BYTES = 100;

export function toLogRecord(topic: string, partition: number, { offset, key, value }: KafkaMessage): LogRecord {
  return { topic, partition, offset: safeOffset(offset), key, value };
}

/** Where a request's records begin. A broker that had them already, from a request whose reply was lost, answers with offset -1. */
export function positionOf({ partition, baseOffset }: RecordMetadata): PartitionOffset | undefined {
  if (baseOffset === undefined || baseOffset === "-1") return undefined;
  return { partition, offset: safeOffset(baseOffset) };
}

/**
 * The records in their order, as the messages of one request after the other: as many as fit. A record that is larger by
 * itself goes alone and is left to the broker.
 */
export function* requestsOf(records: readonly NewRecord[]): Generator<Message[]> {
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

/** Kafka's 64-bit offset as a number. 2^53 records of one partition would take three centuries at a million a second. */
export function safeOffset(text: string): number {
  const offset = Number(text);
  if (!Number.isSafeInteger(offset)) throw new RangeError(`offset ${text} is beyond 2^53`);
  return offset;
}
