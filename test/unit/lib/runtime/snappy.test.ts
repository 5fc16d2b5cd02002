import fc from "fast-check";
import { snappyUncompress } from "hyparquet";
import { expect, test } from "vitest";
import { decompressSnappyBlock } from "#lib/runtime/snappy.ts";

const BYTES_MAX = 1_000_000;

/** What a block is made of: bytes as they are, or bytes of before by how far back and how many. */
type Element =
  | { readonly literal: Uint8Array }
  | { readonly back: number; readonly count: number; readonly width: 1 | 2 | 4 };

const elements = fc.array(
  fc.oneof(
    fc.record({ literal: fc.uint8Array({ minLength: 1, maxLength: 300 }) }),
    fc.record({
      back: fc.nat(3_000),
      count: fc.integer({ min: 4, max: 64 }),
      width: fc.constantFrom<(1 | 2 | 4)[]>(1, 2, 4),
    }),
  ),
  { maxLength: 30 },
);

test("a block of any elements comes back, as the Parquet reader's own Snappy has it", () => {
  fc.assert(
    fc.property(elements, (parts) => {
      const { block, plain } = blockOf(parts);
      expect(decompressSnappyBlock(block, BYTES_MAX)).toEqual(plain);
      const theirs = new Uint8Array(plain.length);
      // It refuses a literal's length in the last three bytes, which no element of at least 61 bytes has.
      snappyUncompress(block, theirs);
      expect(Buffer.from(theirs)).toEqual(plain);
      if (plain.length > 0)
        expect(() => decompressSnappyBlock(block, plain.length - 1)).toThrow(/expands to more than/);
    }),
  );
});

test("whatever was done to a block, it has the length that it says, or is refused", () => {
  fc.assert(
    fc.property(
      elements,
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
      fc.nat(9),
      (parts, changes, cut) => {
        const { block } = blockOf(parts);
        const changed = Buffer.from(block.subarray(0, block.length - cut));
        for (const [at, byte] of changes) if (changed.length > 0) changed[at % changed.length] = byte;
        try {
          expect(decompressSnappyBlock(changed, BYTES_MAX).length).toBeLessThanOrEqual(BYTES_MAX);
        } catch (error) {
          expect(error).toMatchObject({ code: expect.stringMatching(/^(too-large|poison-message)$/) });
        }
      },
    ),
  );
});

test("a literal of a length that reads as negative is refused, on which the Parquet reader's own never ends", () => {
  const block = Buffer.from([10, 0xfc, 0xfa, 0xff, 0xff, 0xff, 0, 0, 0]);
  expect(() => decompressSnappyBlock(block, BYTES_MAX)).toThrow(/a literal is cut short/);
});

function blockOf(parts: readonly Element[]): { block: Buffer; plain: Buffer } {
  let plain = Buffer.alloc(0);
  const encoded: Buffer[] = [];
  for (const part of parts) {
    if ("literal" in part) {
      encoded.push(literal(part.literal));
      plain = Buffer.concat([plain, part.literal]);
      continue;
    }
    if (plain.length === 0) continue;
    const back = 1 + (part.back % Math.min(plain.length, part.width === 1 ? 2_047 : 65_535));
    const count = part.width === 1 ? 4 + (part.count % 8) : part.count;
    encoded.push(copy(back, count, part.width));
    const copied = Array.from({ length: count }, (_, index) => plain[plain.length - back + (index % back)]!);
    plain = Buffer.concat([plain, Buffer.from(copied)]);
  }
  return { block: Buffer.concat([varint(plain.length), ...encoded]), plain };
}

function literal(bytes: Uint8Array): Buffer {
  const length = bytes.length - 1;
  if (length < 60) return Buffer.concat([Buffer.from([length << 2]), bytes]);
  const head = length < 256 ? [60 << 2, length] : [61 << 2, length & 255, length >> 8];
  return Buffer.concat([Buffer.from(head), bytes]);
}

function copy(back: number, count: number, width: 1 | 2 | 4): Buffer {
  if (width === 1) return Buffer.from([((back >> 8) << 5) | ((count - 4) << 2) | 1, back & 255]);
  const bytes = Buffer.alloc(width);
  bytes.writeUIntLE(back, 0, width);
  return Buffer.concat([Buffer.from([((count - 1) << 2) | (width === 2 ? 2 : 3)]), bytes]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let left = value;
  for (; left >= 128; left = Math.floor(left / 128)) bytes.push((left % 128) + 128);
  return Buffer.from([...bytes, left]);
}
