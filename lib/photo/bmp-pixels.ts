import { FruitstreamError } from "#lib/runtime/errors.ts";
import { viewOf } from "./header/bytes.ts";
import type { RawPixels } from "./tiff-file.ts";

/**
 * Decodes a BMP: 1, 4, 8 bits with a palette, 16, 24 and 32 bits, masks, RLE4 and RLE8, rows up or down, headers of all
 * ages. Alpha is dropped. Of a run-length coded picture that skips pixels, those have the palette's first colour, as in
 * Pillow. The two packages that read BMP mix up channels in palettes or drop RLE, hence our own.
 *
 * @throws corrupt-image when the file ends too early or names what BMP doesn't have; unsupported-format for a BMP that
 * holds a JPEG or a PNG.
 */
export function decodeBmp(bytes: Uint8Array): RawPixels {
  const layout = readLayout(bytes);
  const { width, height } = layout;
  const samples = new Uint8Array(3 * width * height);
  if (layout.compression === RLE8 || layout.compression === RLE4) unpackRuns(bytes, layout, samples);
  else unpackRows(bytes, layout, samples);
  return { samples, width, height };
}

interface Layout {
  readonly width: number;
  readonly height: number;
  readonly isTopDown: boolean;
  readonly depth: number;
  readonly compression: number;
  readonly pixelsAt: number;
  readonly palette: Uint8Array;
  /** Bytes of a palette's entry: blue, green, red, and one that is empty in all but the oldest headers. */
  readonly entryBytes: number;
  readonly masks: readonly [red: number, green: number, blue: number];
}

const RGB = 0;
const RLE8 = 1;
const RLE4 = 2;
const BITFIELDS = 3;
const ALPHA_BITFIELDS = 6;
const FILE_HEADER_BYTES = 14;
const CORE_HEADER_BYTES = 12;
const INFO_HEADER_BYTES = 40;

function readLayout(bytes: Uint8Array): Layout {
  const view = viewOf(bytes);
  const headerBytes = view.getUint32(14, true);
  const isCore = headerBytes === CORE_HEADER_BYTES;
  const rows = isCore ? view.getInt16(20, true) : view.getInt32(22, true);
  const depth = view.getUint16(isCore ? 24 : 28, true);
  const compression = isCore ? RGB : view.getUint32(30, true);
  requireKnown(depth, compression);
  const isBitfields = compression === BITFIELDS || compression === ALPHA_BITFIELDS;
  const pixelsAt = view.getUint32(10, true);
  // Masks of a short header follow it, before the palette.
  const extraMasks = isBitfields && headerBytes === INFO_HEADER_BYTES ? 12 : 0;
  const paletteAt = FILE_HEADER_BYTES + headerBytes + extraMasks;
  return {
    width: isCore ? view.getUint16(18, true) : view.getInt32(18, true),
    height: Math.abs(rows),
    isTopDown: rows < 0,
    depth,
    compression,
    pixelsAt,
    palette: bytes.subarray(paletteAt, Math.max(paletteAt, pixelsAt)),
    entryBytes: isCore ? 3 : 4,
    masks: isBitfields ? readMasks(view) : depth === 16 ? MASKS_OF_16 : MASKS_OF_32,
  };
}

function readMasks(view: DataView): Layout["masks"] {
  const at = FILE_HEADER_BYTES + INFO_HEADER_BYTES;
  return [view.getUint32(at, true), view.getUint32(at + 4, true), view.getUint32(at + 8, true)];
}

const MASKS_OF_16: Layout["masks"] = [0x7c00, 0x03e0, 0x001f];
const MASKS_OF_32: Layout["masks"] = [0xff0000, 0x00ff00, 0x0000ff];

function requireKnown(depth: number, compression: number): void {
  if (!DEPTHS.has(depth)) throw corrupt(`it says ${depth} bits a pixel`);
  const inside = WHOLE_FILES[compression];
  if (inside) {
    throw new FruitstreamError(
      "unsupported-format",
      `the photo is a BMP around a ${inside}; store the ${inside} itself`,
    );
  }
  if (compression > BITFIELDS && compression !== ALPHA_BITFIELDS) {
    throw corrupt(`it names compression ${compression}, which BMP has not`);
  }
  const runDepth = { [RLE8]: 8, [RLE4]: 4 }[compression];
  if (runDepth !== undefined && runDepth !== depth) {
    throw corrupt(`it names run lengths of another depth than its ${depth} bits`);
  }
}

/** By compression, what a BMP may be wrapped around. */
const WHOLE_FILES: Readonly<Record<number, string>> = { 4: "JPEG", 5: "PNG" };

const DEPTHS = new Set([1, 4, 8, 16, 24, 32]);

function corrupt(problem: string): FruitstreamError {
  return new FruitstreamError("corrupt-image", `the photo can't be decoded: BMP: ${problem}`);
}

function unpackRows(bytes: Uint8Array, layout: Layout, samples: Uint8Array): void {
  const { width, height, depth, pixelsAt } = layout;
  const rowBytes = 4 * Math.ceil((width * depth) / 32);
  // The last row's padding may be missing.
  const needed = pixelsAt + rowBytes * (height - 1) + Math.ceil((width * depth) / 8);
  if (needed > bytes.byteLength)
    throw corrupt(`the file ends too early, ${needed - bytes.byteLength} bytes are missing`);
  const put = depth <= 8 ? palettePixel(bytes, layout, samples) : colourPixel(bytes, layout, samples);
  for (let row = 0; row < height; row += 1) {
    const from = pixelsAt + row * rowBytes;
    const to = 3 * width * targetRow(row, layout);
    for (let column = 0; column < width; column += 1) put(from, column, to + 3 * column);
  }
}

function targetRow(row: number, { isTopDown, height }: Layout): number {
  return isTopDown ? row : height - 1 - row;
}

type PutPixel = (rowAt: number, column: number, target: number) => void;

function palettePixel(bytes: Uint8Array, layout: Layout, samples: Uint8Array): PutPixel {
  const { depth } = layout;
  const perByte = 8 / depth;
  const mask = (1 << depth) - 1;
  return (rowAt, column, target) => {
    const byte = bytes[rowAt + Math.floor(column / perByte)]!;
    const shift = 8 - depth * (1 + (column % perByte));
    putColour(layout, (byte >> shift) & mask, samples, target);
  };
}

/** An index beyond the palette is black. */
function putColour({ palette, entryBytes }: Layout, index: number, samples: Uint8Array, target: number): void {
  const at = index * entryBytes;
  samples[target] = palette[at + 2] ?? 0;
  samples[target + 1] = palette[at + 1] ?? 0;
  samples[target + 2] = palette[at] ?? 0;
}

function colourPixel(bytes: Uint8Array, { depth, masks }: Layout, samples: Uint8Array): PutPixel {
  const view = viewOf(bytes);
  const pixelBytes = depth / 8;
  const [red, green, blue] = masks.map(channelReader) as [ChannelReader, ChannelReader, ChannelReader];
  return (rowAt, column, target) => {
    const at = rowAt + pixelBytes * column;
    const value =
      depth === 24
        ? bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16)
        : depth === 16
          ? view.getUint16(at, true)
          : view.getUint32(at, true);
    samples[target] = red(value);
    samples[target + 1] = green(value);
    samples[target + 2] = blue(value);
  };
}

type ChannelReader = (value: number) => number;

/** The bits under a mask, stretched to 8. */
function channelReader(mask: number): ChannelReader {
  if (mask === 0) return () => 0;
  const shift = Math.clz32(mask & -mask) ^ 31;
  const max = mask >>> shift;
  return (value) => Math.round((255 * ((value & mask) >>> shift)) / max);
}

/** RLE4 and RLE8: pairs of a count and a value; a count of 0 escapes to ends, moves and literal runs. */
function unpackRuns(bytes: Uint8Array, layout: Layout, samples: Uint8Array): void {
  for (let target = 0; target < samples.length; target += 3) putColour(layout, 0, samples, target);
  const pen = new Pen(layout, samples);
  for (let at = layout.pixelsAt; pen.row < layout.height; ) {
    const [count, value] = [byteAt(bytes, at), byteAt(bytes, at + 1)];
    at += 2;
    if (count > 0) for (let pixel = 0; pixel < count; pixel += 1) pen.put(runIndex(layout, value, pixel));
    else if (value === END_OF_PICTURE) return;
    else if (value === END_OF_LINE) pen.move(-pen.column, 1);
    else if (value === MOVE) {
      pen.move(byteAt(bytes, at), byteAt(bytes, at + 1));
      at += 2;
    } else at = putLiterals(bytes, at, value, layout, pen);
  }
}

/** @returns where the next pair lies: literal runs fill whole words. */
function putLiterals(bytes: Uint8Array, at: number, count: number, layout: Layout, pen: Pen): number {
  const perByte = 8 / layout.depth;
  for (let pixel = 0; pixel < count; pixel += 1) {
    pen.put(runIndex(layout, byteAt(bytes, at + Math.floor(pixel / perByte)), pixel));
  }
  return at + 2 * Math.ceil(count / perByte / 2);
}

const END_OF_LINE = 0;
const END_OF_PICTURE = 1;
const MOVE = 2;

function byteAt(bytes: Uint8Array, at: number): number {
  const byte = bytes[at];
  if (byte === undefined) throw corrupt("the file ends too early, in the middle of its runs");
  return byte;
}

/** The colour of a run's pixel: of the two that a byte of 4 bits each holds, they take turns. */
function runIndex({ depth }: Layout, value: number, pixel: number): number {
  if (depth === 8) return value;
  return pixel % 2 === 0 ? value >> 4 : value & 15;
}

/** Where the next pixel goes. What lies outside the picture is left out. */
class Pen {
  readonly #layout: Layout;
  readonly #samples: Uint8Array;
  column = 0;
  row = 0;

  constructor(layout: Layout, samples: Uint8Array) {
    this.#layout = layout;
    this.#samples = samples;
  }

  put(index: number): void {
    const { width, height } = this.#layout;
    const target = 3 * (width * targetRow(this.row, this.#layout) + this.column);
    if (this.column < width && this.row < height) putColour(this.#layout, index, this.#samples, target);
    this.column += 1;
  }

  move(across: number, down: number): void {
    this.column += across;
    this.row += down;
  }
}
