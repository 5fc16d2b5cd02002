import { crc32 } from "node:zlib";
import type { Random } from "#lib/runtime/random.ts";
import { type Field, type Structure, structureOf } from "./structure-fields.ts";

type Mutation = (random: Random, bytes: Buffer, others: readonly Uint8Array[]) => Buffer;

/** Most cases have one change: of several, one mostly makes the photo unreadable, and hides the others. */
const CHANGES = [1, 1, 1, 2, 4];
/** What grows without end would only be slow. */
const BYTES_MAX = 4 * 1_048_576;
/** Decoders check a PNG's sums first: a wrong one hides whatever else was changed. */
const MENDED_SUMS_SHARE = 0.8;

/** A mutated copy; the same random numbers give the same bytes. */
export function mutate(random: Random, original: Uint8Array, others: readonly Uint8Array[]): Buffer {
  let bytes: Buffer = Buffer.from(original);
  for (let changes = random.pick(CHANGES); changes > 0; changes--) {
    if (bytes.length < 8) break;
    bytes = random.pick(MUTATIONS)(random, bytes, others);
  }
  if (random.chance(MENDED_SUMS_SHARE)) mendSums(bytes);
  return Buffer.from(bytes.subarray(0, BYTES_MAX));
}

function flipBits(random: Random, bytes: Buffer): Buffer {
  for (let flips = random.pick([1, 2, 16]); flips > 0; flips--) {
    const at = random.between(0, bytes.length - 1);
    bytes[at] = bytes[at]! ^ (1 << random.between(0, 7));
  }
  return bytes;
}

/** Headers are a small share of a photo's bytes and most of what can go wrong. */
function flipHeaderBits(random: Random, bytes: Buffer): Buffer {
  flipBits(random, bytes.subarray(0, Math.min(bytes.length, random.pick([32, 128, 1_024]))));
  return bytes;
}

function truncate(random: Random, bytes: Buffer): Buffer {
  return bytes.subarray(0, random.between(1, bytes.length));
}

function fill(random: Random, bytes: Buffer): Buffer {
  const start = random.between(0, bytes.length - 1);
  const end = Math.min(bytes.length, start + random.between(1, 256));
  return bytes.fill(random.pick([0, 0xff, 0x7f, 0x80, 0x20]), start, end);
}

/** Bytes of another photo, or of another place of this one, in between or instead. */
function splice(random: Random, bytes: Buffer, others: readonly Uint8Array[]): Buffer {
  const donor = random.chance(0.5) ? bytes : Buffer.from(random.pick(others));
  const from = random.between(0, donor.length - 1);
  const piece = donor.subarray(from, from + random.between(1, random.pick([16, 512, donor.length])));
  const at = random.between(0, bytes.length);
  const replaced = random.chance(0.5) ? piece.length : 0;
  return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(Math.min(bytes.length, at + replaced))]);
}

/** The head of this one, the rest of another. */
function graft(random: Random, bytes: Buffer, others: readonly Uint8Array[]): Buffer {
  const at = random.between(1, bytes.length);
  return Buffer.concat([bytes.subarray(0, at), random.pick(others).subarray(at)]);
}

function editFields(random: Random, bytes: Buffer): Buffer {
  const { fields } = structureOf(bytes);
  if (fields.length === 0) return flipHeaderBits(random, bytes);
  for (let edits = random.between(1, 3); edits > 0; edits--) writeField(bytes, random.pick(fields), random);
  return bytes;
}

function writeField(bytes: Buffer, { at, bytes: size, isLittleEndian }: Field, random: Random): void {
  const bits = 8n * BigInt(size);
  const field = bytes.subarray(at, at + size);
  const old = BigInt(`0x${Buffer.from(isLittleEndian ? Buffer.from(field).reverse() : field).toString("hex")}`);
  const near = BigInt(random.between(-4, 4));
  const power = 1n << BigInt(random.between(0, Number(bits) - 1));
  const choices = [0n, 1n, (1n << bits) - 1n, power, power - 1n, old + near, old * 2n, old / 2n, old ^ power];
  const value = BigInt.asUintN(Number(bits), random.pick(choices));
  const written = Buffer.from(value.toString(16).padStart(2 * size, "0"), "hex");
  field.set(isLittleEndian ? written.reverse() : written);
}

type MoveParts = (random: Random, parts: Structure["parts"], bytes: Buffer) => Buffer;

/** Segments, chunks, boxes and entries are taken out, doubled, and change places. */
const PART_MOVES: readonly MoveParts[] = [
  (random, parts, bytes) => {
    const { start, end } = random.pick(parts);
    return Buffer.concat([bytes.subarray(0, start), bytes.subarray(end)]);
  },
  (random, parts, bytes) => {
    const { start, end } = random.pick(parts);
    const copies = Array<Buffer>(random.pick([1, 2, 8, 200])).fill(bytes.subarray(start, end));
    return Buffer.concat([bytes.subarray(0, end), ...copies, bytes.subarray(end)]).subarray(0, BYTES_MAX);
  },
  (random, parts, bytes) => {
    const [a, b] = [random.pick(parts), random.pick(parts)].sort((one, other) => one.start - other.start);
    if (a!.end > b!.start) return bytes;
    const between = bytes.subarray(a!.end, b!.start);
    const [first, second] = [bytes.subarray(a!.start, a!.end), bytes.subarray(b!.start, b!.end)];
    return Buffer.concat([bytes.subarray(0, a!.start), second, between, first, bytes.subarray(b!.end)]);
  },
];

function moveParts(random: Random, bytes: Buffer): Buffer {
  const { parts } = structureOf(bytes);
  return parts.length === 0 ? bytes : random.pick(PART_MOVES)(random, parts, bytes);
}

const MUTATIONS: readonly Mutation[] = [
  flipBits,
  flipHeaderBits,
  truncate,
  fill,
  splice,
  graft,
  moveParts,
  moveParts,
  editFields,
  editFields,
  editFields,
  editFields,
];

function mendSums(bytes: Buffer): void {
  if (bytes.length < 8 || bytes.readUInt32BE(0) !== 0x89504e47) return;
  for (const { start, end } of structureOf(bytes).parts) {
    bytes.writeUInt32BE(crc32(bytes.subarray(start + 4, end - 4)), end - 4);
  }
}
