import { FruitstreamError } from "#lib/runtime/errors.ts";

const FRAME_MAGIC = 0x184d2204;
/** By the frame's block size code, from 4 on. */
const BLOCK_BYTES_MAX: Readonly<Record<number, number>> = { 4: 65_536, 5: 262_144, 6: 1_048_576, 7: 4_194_304 };
const UNCOMPRESSED = 0x8000_0000;

/**
 * Undoes LZ4 in frames (https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md), as Kafka has them. Checksums are
 * passed over: a record batch has one of its own, which the broker has checked.
 *
 * @throws too-large when the result has more than `bytesMax` bytes, before memory is taken for more; poison-message when
 * the bytes are not such frames.
 */
export function decompressLz4(bytes: Buffer, bytesMax: number): Buffer {
  const output = new Output(bytesMax);
  let at = 0;
  while (at < bytes.length) at = readFrame(bytes, at, output);
  return output.bytes;
}

/** @returns where the frame ends. */
function readFrame(bytes: Buffer, start: number, output: Output): number {
  requireBytes(bytes, start, 7, "a frame's header");
  if (bytes.readUInt32LE(start) !== FRAME_MAGIC) throw malformed("a frame does not begin with the magic number");
  const flags = bytes[start + 4]!;
  const blockBytesMax = BLOCK_BYTES_MAX[(bytes[start + 5]! >> 4) & 7];
  if (flags >> 6 !== 1 || blockBytesMax === undefined)
    throw malformed("a frame is of an unknown version or block size");
  if (flags & 1) throw malformed("a frame needs a dictionary");
  const hasBlockChecksums = (flags & 0x10) !== 0;
  const hasContentSize = (flags & 0x08) !== 0;
  const hasContentChecksum = (flags & 0x04) !== 0;
  let at = start + 6 + (hasContentSize ? 8 : 0) + 1;
  // Blocks may refer to those before them in their frame, and to nothing before it.
  const frameStart = output.length;
  while (true) {
    requireBytes(bytes, at, 4, "a block's size");
    const size = bytes.readUInt32LE(at);
    at += 4;
    if (size === 0) return at + (hasContentChecksum ? 4 : 0);
    const blockBytes = size % UNCOMPRESSED;
    requireBytes(bytes, at, blockBytes, "a block");
    const block = bytes.subarray(at, at + blockBytes);
    if (size >= UNCOMPRESSED) output.append(block);
    else decompressBlock(block, output, frameStart, blockBytesMax);
    at += blockBytes + (hasBlockChecksums ? 4 : 0);
  }
}

/** https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md: sequences of literals and a copy, the last without one. */
function decompressBlock(block: Buffer, output: Output, frameStart: number, blockBytesMax: number): void {
  const end = output.length + blockBytesMax;
  for (let at = 0; at < block.length; ) {
    const token = block[at]!;
    const literals = readLength(block, at + 1, token >> 4);
    requireBytes(block, literals.next, literals.value, "literals");
    at = literals.next + literals.value;
    output.append(block.subarray(literals.next, at));
    if (at < block.length) {
      requireBytes(block, at, 2, "a copy's offset");
      const offset = block.readUInt16LE(at);
      const copied = readLength(block, at + 2, token & 15);
      if (offset === 0 || offset > output.length - frameStart) throw malformed("a copy is out of bounds");
      output.repeat(offset, copied.value + 4);
      at = copied.next;
    }
    if (output.length > end) throw malformed("a block expands to more than its frame allows");
  }
}

/** A length of four bits, which goes on in bytes when they are all set, until one is not 255. */
function readLength(block: Buffer, start: number, bits: number): { value: number; next: number } {
  if (bits < 15) return { value: bits, next: start };
  let value = bits;
  for (let at = start; at < block.length; at++) {
    value += block[at]!;
    if (block[at]! < 255) return { value, next: at + 1 };
  }
  throw malformed("a length is cut short");
}

/** What was decompressed so far. Memory doubles as it fills. */
class Output {
  readonly #bytesMax: number;
  #buffer = Buffer.allocUnsafe(4_096);
  length = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.length);
  }

  append(bytes: Buffer): void {
    this.#reserve(bytes.length);
    bytes.copy(this.#buffer, this.length);
    this.length += bytes.length;
  }

  /** Appends what lies `offset` bytes back. What is copied may overlap what it makes: then it repeats. */
  repeat(offset: number, count: number): void {
    this.#reserve(count);
    const buffer = this.#buffer;
    const end = this.length + count;
    for (let at = this.length; at < end; at++) buffer[at] = buffer[at - offset]!;
    this.length = end;
  }

  #reserve(count: number): void {
    const needed = this.length + count;
    if (needed > this.#bytesMax) {
      throw new FruitstreamError("too-large", `it expands to more than ${this.#bytesMax} bytes`);
    }
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, Math.min(this.#bytesMax, 2 * this.#buffer.length)));
    this.#buffer.copy(larger, 0, 0, this.length);
    this.#buffer = larger;
  }
}

function requireBytes(bytes: Buffer, at: number, count: number, what: string): void {
  if (at + count > bytes.length) throw malformed(`${what} is cut short`);
}

function malformed(why: string): FruitstreamError {
  return new FruitstreamError("poison-message", `it is not LZ4: ${why}`);
}
