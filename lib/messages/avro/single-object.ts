import { unreadableBatchOf } from "../unreadable-batch.ts";

/** Avro single-object encoding (Avro specification 1.11): the marker C3 01, the fingerprint in little-endian order, the body. */
const MARKER = Buffer.from([0xc3, 0x01]);

/** Where the body begins. */
export const HEADER_BYTES = 10;

/** The header of every message that is written with one schema. */
export function singleObjectHeader(fingerprint: bigint): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  MARKER.copy(header);
  header.writeBigUInt64LE(fingerprint, MARKER.length);
  return header;
}

/** The fingerprint of the writer's schema; undefined when the bytes have no such header. */
export function fingerprintIn(bytes: Uint8Array | null): bigint | undefined {
  const buffer = asBuffer(bytes);
  if (buffer.length < HEADER_BYTES || !buffer.subarray(0, MARKER.length).equals(MARKER)) return undefined;
  return buffer.readBigUInt64LE(MARKER.length);
}

/** What bytes without such a header are, as far as it can be told. */
export function describeForeign(bytes: Uint8Array | null): string {
  if (bytes === null) return "it has no value (a tombstone)";
  const unreadable = unreadableBatchOf(bytes);
  if (unreadable !== undefined) return `it stands for an ${unreadable}`;
  const buffer = asBuffer(bytes);
  if (buffer.length >= CONFLUENT_HEADER_BYTES && buffer[0] === 0) {
    const framing = `it is framed for a Confluent schema registry (magic byte 0, schema id ${buffer.readUInt32BE(1)})`;
    return `${framing}; it must be in Avro single-object encoding, without a registry`;
  }
  const start = buffer.subarray(0, HEADER_BYTES).toString("hex");
  return `it begins with "${start}" instead of the marker c301 of Avro single-object encoding`;
}

/** Confluent's wire format: a magic byte 0, the schema's id in four bytes. */
const CONFLUENT_HEADER_BYTES = 5;

/** The same bytes, not copied; none for null. */
export function asBuffer(bytes: Uint8Array | null): Buffer {
  return Buffer.from(bytes?.buffer ?? new ArrayBuffer(0), bytes?.byteOffset, bytes?.byteLength);
}
