import type { NewRecord } from "#lib/log/record-log.ts";

/**
 * The records of a batch as Kafka lays them out (https://kafka.apache.org/documentation/#record), which is what a codec
 * compresses; the batch's own 61 bytes stay as they are. All records are of one moment and have no headers.
 */
export function encodeRecords(records: readonly NewRecord[]): Buffer {
  return Buffer.concat(
    records.map(({ key, value }, offset) => {
      const body = Buffer.concat([
        Buffer.of(NO_ATTRIBUTES),
        varint(TIMESTAMP_DELTA),
        varint(offset),
        ...(key === null ? [varint(NULL_LENGTH)] : [varint(key.byteLength), key]),
        varint(value.byteLength),
        value,
        varint(HEADERS),
      ]);
      return Buffer.concat([varint(body.byteLength), body]);
    }),
  );
}

const NO_ATTRIBUTES = 0;
const TIMESTAMP_DELTA = 0;
const NULL_LENGTH = -1;
const HEADERS = 0;

/** Of a signed 32-bit number: zigzag, then seven bits a byte, the lowest first. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = ((value << 1) ^ (value >> 31)) >>> 0;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}
