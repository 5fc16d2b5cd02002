import { FruitstreamError } from "#lib/runtime/errors.ts";

/** Enough for 64 bits, seven in each. */
const VARINT_BYTES_MAX = 10;

/** Reads what a record of Kafka is made of. Whatever goes beyond the bytes is a poison-message. */
export class VarintReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get at(): number {
    return this.#at;
  }

  moveTo(at: number): void {
    if (at > this.#bytes.length || at < this.#at) throw cutShort();
    this.#at = at;
  }

  readByte(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw cutShort();
    this.#at += 1;
    return byte;
  }

  /** A number of up to 64 bits in zigzag encoding; beyond 2^53 it is rounded. */
  readVarint(): number {
    let zigzag = 0;
    for (let index = 0; index < VARINT_BYTES_MAX; index++) {
      const byte = this.readByte();
      zigzag += (byte & 0x7f) * 2 ** (7 * index);
      if (byte < 0x80) return zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
    }
    throw new FruitstreamError("poison-message", `a number has more than ${VARINT_BYTES_MAX} bytes`);
  }

  /** Bytes behind their length, not copied; null where the length is -1. */
  readBytes(): Buffer | null {
    const length = this.readVarint();
    if (length < 0) return null;
    const start = this.#at;
    this.moveTo(start + length);
    return this.#bytes.subarray(start, this.#at);
  }
}

function cutShort(): FruitstreamError {
  return new FruitstreamError("poison-message", "its records are cut short");
}
