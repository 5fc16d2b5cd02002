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

/** The same bytes, not copied; none for null. */
export function asBuffer(bytes: Uint8Array | null): Buffer {
  return Buffer.from(bytes?.buffer ?? new ArrayBuffer(0), bytes?.byteOffset, bytes?.byteLength);
}
