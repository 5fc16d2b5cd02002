interface BatchShape {
  readonly baseOffset: bigint;
  readonly codec?: number;
  /** The records, compressed by the codec. */
  readonly body: Buffer;
  readonly count: number;
  readonly lastOffsetDelta?: number;
}

/** A record batch of magic 2, of no transaction. */
export function batchOf({ baseOffset, codec = 0, body, count, lastOffsetDelta = count - 1 }: BatchShape): Buffer {
  const header = Buffer.alloc(61);
  header.writeBigInt64BE(baseOffset, 0);
  header.writeInt32BE(header.length - 12 + body.length, 8);
  header[16] = 2;
  header.writeInt16BE(codec, 21);
  header.writeInt32BE(lastOffsetDelta, 23);
  header.writeBigInt64BE(-1n, 43);
  header.writeInt32BE(count, 57);
  const batch = Buffer.concat([header, body]);
  batch.writeUInt32BE(crc32c(batch.subarray(21)), 17);
  return batch;
}

/** Castagnoli's, by which a broker knows whole batches. */
function crc32c(bytes: Buffer): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f6_3b78 : crc >>> 1;
  }
  return (crc ^ 0xffff_ffff) >>> 0;
}

/** Records without keys and headers, as they lie in a batch. */
export function rawRecords(values: readonly string[]): Buffer {
  return Buffer.concat(
    values.map((text, delta) => {
      const value = Buffer.from(text);
      const record = Buffer.concat([
        Buffer.from([0, 0]),
        varint(delta),
        varint(-1),
        varint(value.length),
        value,
        varint(0),
      ]);
      return Buffer.concat([varint(record.length), record]);
    }),
  );
}

/** An LZ4 frame of compressed blocks, by the code of its block size. */
export function lz4Frame(blocks: readonly Buffer[], sizeCode: number): Buffer {
  const sized = blocks.map((block) => Buffer.concat([uint32(block.length), block]));
  return Buffer.concat([Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, sizeCode << 4, 0]), ...sized, uint32(0)]);
}

/** Bytes as a bare block of Snappy, as one literal of up to 60 bytes. */
export function snappyBlock(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([bytes.length, (bytes.length - 1) << 2]), bytes]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value < 0 ? -2 * value - 1 : 2 * value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest % 128) + 128);
  }
}
