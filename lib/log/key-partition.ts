/**
 * Kafka's murmur2 of a record key, as a signed 32-bit integer.
 * https://github.com/apache/kafka/blob/4.3.1/clients/src/main/java/org/apache/kafka/common/utils/Utils.java
 */
export function murmur2(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const wholeBytes = bytes.byteLength - (bytes.byteLength % 4);
  let hash = 0x9747b28c ^ bytes.byteLength;
  for (let offset = 0; offset < wholeBytes; offset += 4) {
    let word = Math.imul(view.getInt32(offset, true), MULTIPLIER);
    word = Math.imul(word ^ (word >>> 24), MULTIPLIER);
    hash = Math.imul(hash, MULTIPLIER) ^ word;
  }
  if (wholeBytes < bytes.byteLength) {
    for (let offset = bytes.byteLength - 1; offset >= wholeBytes; offset--) {
      hash ^= view.getUint8(offset) << (8 * (offset - wholeBytes));
    }
    hash = Math.imul(hash, MULTIPLIER);
  }
  hash = Math.imul(hash ^ (hash >>> 13), MULTIPLIER);
  return hash ^ (hash >>> 15);
}

/** The partition that Kafka's own clients give a key. */
export function partitionOfKey(key: Uint8Array, partitions: number): number {
  return (murmur2(key) & 0x7fff_ffff) % partitions;
}

const MULTIPLIER = 0x5bd1e995;
