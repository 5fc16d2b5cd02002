/** A number in a file's structure: a length, a count, an offset, a size in pixels, the kind of a part. */
export interface Field {
  readonly at: number;
  readonly bytes: 1 | 2 | 4 | 8;
  readonly isLittleEndian: boolean;
}

/** A part of a file that stands for itself: a segment, a chunk, a box, an entry of a directory. */
interface Part {
  readonly start: number;
  readonly end: number;
}

export interface Structure {
  readonly fields: readonly Field[];
  readonly parts: readonly Part[];
}

/**
 * Where the numbers of a photo's structure stand, as far as a plain walk over its parts finds them. Written apart from the
 * product's readers of headers, so that a fault of theirs is none of what tries them.
 *
 * @returns no fields at all for bytes of no known format.
 */
export function structureOf(bytes: Uint8Array): Structure {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found = new Found(buffer);
  if (buffer[0] === 0xff && buffer[1] === 0xd8) walkJpeg(found);
  else if (buffer.readUInt32BE(0) === 0x89504e47) walkPng(found);
  else if (text(buffer, 0) === "RIFF") walkRiff(found, 12, buffer.length);
  else if (text(buffer, 0) === "GIF8") walkGif(found);
  else if (buffer.toString("latin1", 0, 2) === "BM") walkBmp(found);
  else if (text(buffer, 4) === "ftyp") walkBoxes(found, 0, buffer.length);
  else walkTiff(found, 0);
  return found;
}

/** What a walk gathers. Fields beyond the bytes are left out, so that every walk may run against the end. */
class Found implements Structure {
  readonly fields: Field[] = [];
  readonly parts: Part[] = [];
  readonly buffer: Buffer;

  constructor(buffer: Buffer) {
    this.buffer = buffer;
  }

  number(at: number, bytes: Field["bytes"], isLittleEndian = false): number {
    if (at < 0 || at + bytes > this.buffer.length) return 0;
    this.fields.push({ at, bytes, isLittleEndian });
    if (bytes === 8) {
      return Number(isLittleEndian ? this.buffer.readBigUInt64LE(at) : this.buffer.readBigUInt64BE(at));
    }
    return isLittleEndian ? this.buffer.readUIntLE(at, bytes) : this.buffer.readUIntBE(at, bytes);
  }

  numbers(start: number, end: number, bytes: Field["bytes"], isLittleEndian = false): void {
    for (let at = start; at + bytes <= end; at += bytes) this.number(at, bytes, isLittleEndian);
  }

  part(start: number, end: number): void {
    if (end <= this.buffer.length && end > start) this.parts.push({ start, end });
  }
}

const text = (buffer: Buffer, at: number) => buffer.toString("latin1", at, at + 4);
/** A malformed file may have parts without end, or of no length. */
const PARTS_MAX = 2_000;

function walkJpeg(found: Found): void {
  for (let at = 2, parts = 0; at >= 0 && at + 4 <= found.buffer.length && parts < PARTS_MAX; parts++) {
    at = walkSegment(found, at);
  }
}

/** @returns where the next one begins, behind the compressed data of a scan; -1 when there is none. */
function walkSegment(found: Found, start: number): number {
  const { buffer } = found;
  const marker = buffer[start + 1]!;
  if (buffer[start] !== 0xff) return buffer.indexOf(0xff, start);
  if (marker === 0xff) return start + 1;
  if (isWithinScan(marker) || marker === 0xd8 || marker === 0xd9) return start + 2;
  found.number(start + 1, 1);
  let end = start + 2 + found.number(start + 2, 2);
  const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4;
  if (isFrame) found.numbers(start + 5, start + 9, 2);
  if (marker < 0xe0 || marker === 0xfe) found.numbers(start + 4, Math.min(end, start + 40), 1);
  if (text(buffer, start + 4) === "Exif") walkTiff(found, start + 10);
  if (marker === 0xda) end = endOfScan(buffer, end);
  found.part(start, end);
  return end;
}

function endOfScan(buffer: Buffer, start: number): number {
  let at = start;
  while (at < buffer.length && (buffer[at] !== 0xff || isWithinScan(buffer[at + 1]))) at += 1;
  return at;
}

/** A stuffed byte, a restart or nothing more. */
function isWithinScan(next: number | undefined): boolean {
  return next === undefined || next === 0 || (next >= 0xd0 && next <= 0xd7);
}

function walkPng(found: Found): void {
  const { buffer } = found;
  for (let at = 8, parts = 0; at + 12 <= buffer.length && parts < PARTS_MAX; parts++) {
    const end = at + 12 + found.number(at, 4);
    found.numbers(at + 4, at + 8, 1);
    found.part(at, end);
    const kind = text(buffer, at + 4);
    if (kind === "IHDR") {
      found.numbers(at + 8, at + 16, 4);
      found.numbers(at + 16, at + 21, 1);
    } else if (kind === "eXIf") walkTiff(found, at + 8);
    else found.numbers(at + 8, Math.min(end - 4, at + 24), 1);
    at = end;
  }
}

function walkRiff(found: Found, start: number, end: number): void {
  if (start === 12) found.number(4, 4, true);
  for (let at = start, parts = 0; at + 8 <= end && parts < PARTS_MAX; parts++) {
    found.numbers(at, at + 4, 1);
    const length = found.number(at + 4, 4, true);
    const next = at + 8 + length + (length % 2);
    found.part(at, next);
    found.numbers(at + 8, Math.min(at + 24, next), 2, true);
    if (text(found.buffer, at) === "EXIF") walkTiff(found, at + 8);
    if (text(found.buffer, at) === "ANMF") walkRiff(found, at + 24, Math.min(next, end));
    at = next;
  }
}

function walkGif(found: Found): void {
  const { buffer } = found;
  found.numbers(6, 10, 2, true);
  const packed = found.number(10, 1);
  found.numbers(11, 13, 1);
  let at = 13 + paletteBytes(packed);
  for (let parts = 0; at < buffer.length && parts < PARTS_MAX; parts++) {
    const start = at;
    const kind = found.number(at, 1);
    if (kind !== 0x2c && kind !== 0x21) return;
    at = walkGifBlocks(found, kind === 0x2c ? walkGifImage(found, at) : at + 2);
    found.number(start + 1, 1);
    found.part(start, at);
  }
}

/** @returns where its blocks begin. */
function walkGifImage(found: Found, start: number): number {
  found.numbers(start + 1, start + 9, 2, true);
  const blocks = start + 11 + paletteBytes(found.number(start + 9, 1));
  found.number(blocks - 1, 1);
  return blocks;
}

/** @returns where what follows them begins. */
function walkGifBlocks(found: Found, start: number): number {
  let at = start;
  for (let blocks = 0; blocks < PARTS_MAX && at < found.buffer.length; blocks++) {
    const length = found.number(at, 1);
    if (length < 16) found.numbers(at + 1, at + 1 + length, 1);
    at += 1 + length;
    if (length === 0) break;
  }
  return at;
}

function paletteBytes(packed: number): number {
  return packed & 0x80 ? 3 * 2 ** ((packed & 7) + 1) : 0;
}

function walkBmp(found: Found): void {
  found.numbers(2, 26, 4, true);
  found.numbers(26, 30, 2, true);
  found.numbers(30, Math.min(138, found.buffer.length), 4, true);
}

/** TIFF and BigTIFF, also inside of other formats as EXIF: every entry of every directory that is reached. */
function walkTiff(found: Found, base: number): void {
  const { buffer } = found;
  const isLittleEndian = buffer.toString("latin1", base, base + 2) === "II";
  const isBig = found.number(base + 2, 2, isLittleEndian) === 43;
  const word = isBig ? 8 : 4;
  const pending = [found.number(base + (isBig ? 8 : 4), word, isLittleEndian)];
  const seen = new Set<number>();
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    const start = base + directory;
    if (directory === 0 || seen.has(directory) || seen.size > 8 || start >= buffer.length) continue;
    seen.add(directory);
    const countBytes = isBig ? 8 : 2;
    const entries = Math.min(found.number(start, countBytes, isLittleEndian), 200);
    const entryBytes = 4 + 2 * word;
    for (let entry = 0; entry < entries; entry++) {
      const at = start + countBytes + entry * entryBytes;
      const tag = found.number(at, 2, isLittleEndian);
      found.number(at + 2, 2, isLittleEndian);
      found.number(at + 4, word, isLittleEndian);
      const value = found.number(at + 4 + word, word, isLittleEndian);
      found.part(at, at + entryBytes);
      // SubIFDs, EXIF and GPS.
      if (tag === 330 || tag === 34_665 || tag === 34_853) pending.push(value);
    }
    pending.push(found.number(start + countBytes + entries * entryBytes, word, isLittleEndian));
  }
}

const CONTAINERS: Readonly<Record<string, number>> = {
  meta: 4,
  iprp: 0,
  ipco: 0,
  iinf: 6,
  iref: 4,
  moov: 0,
  trak: 0,
  mdia: 0,
  minf: 0,
  stbl: 0,
};

/** HEIC and AVIF: of small boxes every byte counts, of the others the first ones. */
function walkBoxes(found: Found, start: number, end: number): void {
  for (let at = start, parts = 0; at + 8 <= end && parts < PARTS_MAX; parts++) {
    const length = found.number(at, 4);
    const next = length === 0 ? end : at + Math.max(length, 8);
    found.numbers(at + 4, at + 8, 1);
    found.part(at, next);
    const kind = text(found.buffer, at + 4);
    const skipped = CONTAINERS[kind];
    if (skipped !== undefined) {
      found.numbers(at + 8, at + 8 + skipped, 1);
      walkBoxes(found, at + 8 + skipped, Math.min(next, end));
    } else if (kind !== "mdat") {
      const shown = Math.min(next, end, at + 72);
      found.numbers(at + 8, shown, 1);
      found.numbers(at + 8, shown, 2);
      found.numbers(at + 8, shown, 4);
    }
    at = next;
  }
}
