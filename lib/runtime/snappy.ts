import { FruitstreamError } from "#lib/runtime/errors.ts";

/**
 * What Java's and Go's clients put around their blocks: this magic, two versions of 4 bytes, then blocks, each after its
 * length. Clients over librdkafka write one bare block.
 */
const XERIAL_MAGIC = Buffer.from([0x82, ...Buffer.from("SNAPPY"), 0]);
const XERIAL_HEADER_BYTES = 16;

/**
 * Undoes Snappy as Kafka's clients write it (https://github.com/google/snappy/blob/main/format_description.txt), framed by xerial or bare.
 *
 * @throws too-large when the result has more than `bytesMax` bytes, before memory is taken for it; poison-message when the
 * bytes are not Snappy's.
 */
export function decompressSnappy(bytes: Buffer, bytesMax: number): Buffer {
  if (!bytes.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) return decompressSnappyBlock(bytes, bytesMax);
  const blocks: Buffer[] = [];
  let left = bytesMax;
  for (let at = XERIAL_HEADER_BYTES; at < bytes.length; ) {
    if (at + 4 > bytes.length) throw malformed("a block's length is cut short");
    const end = at + 4 + bytes.readUInt32BE(at);
    if (end > bytes.length) throw malformed("a block is cut short");
    const block = decompressSnappyBlock(bytes.subarray(at + 4, end), left);
    blocks.push(block);
    left -= block.length;
    at = end;
  }
  return Buffer.concat(blocks);
}

/**
 * Undoes one bare block, as Parquet has them. Reads each byte once, and takes no more memory than the block says it has:
 * the Parquet reader's own Snappy never ends on nine bytes, a literal whose length is negative.
 *
 * @throws as `decompressSnappy`.
 */
export function decompressSnappyBlock(bytes: Buffer, bytesMax: number): Buffer {
  const { value: length, next } = readLength(bytes);
  if (length > bytesMax) throw new FruitstreamError("too-large", `it expands to more than ${bytesMax} bytes`);
  const out = Buffer.allocUnsafe(length);
  let written = 0;
  for (let at = next; at < bytes.length; ) {
    const tag = bytes[at]!;
    at += 1;
    if ((tag & 3) === 0) {
      const literal = literalAt(bytes, at, tag >> 2);
      if (literal.end > bytes.length || written + literal.end - literal.start > length)
        throw malformed("a literal is cut short");
      bytes.copy(out, written, literal.start, literal.end);
      written += literal.end - literal.start;
      at = literal.end;
      continue;
    }
    const { offset, count, used } = copyAt(bytes, at, tag);
    if (offset === 0 || offset > written || written + count > length) throw malformed("a copy is out of bounds");
    // What is copied may overlap what it makes: then it repeats.
    for (let index = 0; index < count; index++) out[written + index] = out[written + index - offset]!;
    written += count;
    at += used;
  }
  if (written !== length) throw malformed(`it has ${written} bytes, and says ${length}`);
  return out;
}

/** A literal of up to 60 bytes says its length in the tag; of a longer one the tag says how many bytes hold it. */
function literalAt(bytes: Buffer, at: number, tagLength: number): { start: number; end: number } {
  if (tagLength < 60) return { start: at, end: at + tagLength + 1 };
  const width = tagLength - 59;
  if (at + width > bytes.length) throw malformed("a literal's length is cut short");
  const start = at + width;
  return { start, end: start + bytes.readUIntLE(at, width) + 1 };
}

function copyAt(bytes: Buffer, at: number, tag: number): { offset: number; count: number; used: number } {
  const used = [0, 1, 2, 4][tag & 3]!;
  if (at + used > bytes.length) throw malformed("a copy is cut short");
  if (used === 1) return { offset: ((tag >> 5) << 8) | bytes[at]!, count: ((tag >> 2) & 7) + 4, used };
  return { offset: bytes.readUIntLE(at, used), count: (tag >> 2) + 1, used };
}

/** The length of what was compressed, a little-endian base-128 number of up to 32 bits. */
function readLength(bytes: Buffer): { value: number; next: number } {
  let value = 0;
  for (let index = 0; index < 5 && index < bytes.length; index++) {
    const byte = bytes[index]!;
    value += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return { value, next: index + 1 };
  }
  throw malformed("it has no length");
}

function malformed(why: string): FruitstreamError {
  return new FruitstreamError("poison-message", `it is not Snappy: ${why}`);
}
