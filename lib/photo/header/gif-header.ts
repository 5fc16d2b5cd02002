import { viewOf } from "./bytes.ts";
import type { PhotoHeader } from "./photo-header.ts";

export interface GifHeader extends PhotoHeader {
  readonly format: "gif";
  /** Where the packed field of the first frame's graphic control extension lies; undefined when it has none. */
  readonly controlAt: number | undefined;
  /** [r, g, b] of what a reader sees where the first frame leaves the canvas open. */
  readonly ground: readonly [number, number, number];
  /** How many pixels of the canvas the first frame leaves open at each side; undefined where it covers all of it. */
  readonly open: { left: number; top: number; right: number; bottom: number } | undefined;
}

/**
 * Reads a GIF up to its first frame (GIF89a specification, sections 18 to 23).
 *
 * @returns undefined where there is no frame.
 */
export function readGifHeader(bytes: Uint8Array): GifHeader | undefined {
  if (bytes.byteLength < 13) return undefined;
  const view = viewOf(bytes);
  const first = findFirstFrame(bytes);
  if (!first || first.frameAt + 10 > bytes.byteLength) return undefined;
  const { frameAt, controlAt } = first;
  const canvas = canvasSize(view, frameAt);
  const packed = bytes[frameAt + 9]!;
  const isTransparent = controlAt !== undefined && (bytes[controlAt]! & TRANSPARENT_FLAG) !== 0;
  const open = openSides(view, frameAt, canvas);
  const hasOwnColours = coloursOf(packed) > 0;
  const paletteAt = hasOwnColours ? frameAt + 10 : GLOBAL_COLOURS_AT;
  // As Pillow fills a canvas: with the transparent colour, else with the first one, whatever the background's is.
  const groundAt = paletteAt + 3 * (isTransparent ? bytes[controlAt! + 3]! : 0);
  return {
    format: "gif",
    ...canvas,
    bitsPerSample: 8,
    samplesPerPixel: 4,
    hasAlpha: isTransparent || open !== undefined,
    hasProfile: false,
    isInterlaced: (packed & INTERLACE_FLAG) !== 0,
    isProgressive: false,
    scans: 1,
    frames: 1,
    exif: undefined,
    xmp: undefined,
    isCut: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).lastIndexOf(TRAILER) < frameAt,
    controlAt,
    ground: [bytes[groundAt] ?? 0, bytes[groundAt + 1] ?? 0, bytes[groundAt + 2] ?? 0],
    open,
  };
}

const GLOBAL_COLOURS_AT = 13;

/** Where the first frame's descriptor lies, and the packed field of the control extension before it. */
function findFirstFrame(bytes: Uint8Array): { frameAt: number; controlAt: number | undefined } | undefined {
  let controlAt: number | undefined;
  let at = GLOBAL_COLOURS_AT + 3 * coloursOf(bytes[10]!);
  for (let blocks = 0; bytes[at] === EXTENSION && blocks < BLOCKS_MAX; ) {
    if (bytes[at + 1] === GRAPHIC_CONTROL && bytes[at + 2] === 4) controlAt = at + 3;
    // Data comes in blocks that begin with their length; one of length 0 ends them.
    for (at += 2; at < bytes.byteLength && bytes[at] !== 0 && blocks < BLOCKS_MAX; blocks += 1) at += 1 + bytes[at]!;
    at += 1;
    blocks += 1;
  }
  return bytes[at] === IMAGE ? { frameAt: at, controlAt } : undefined;
}

/** A first frame that goes beyond the canvas enlarges it, in libvips as in browsers and Pillow. */
function canvasSize(view: DataView, frameAt: number): { width: number; height: number } {
  return {
    width: Math.max(view.getUint16(6, true), view.getUint16(frameAt + 1, true) + view.getUint16(frameAt + 5, true)),
    height: Math.max(view.getUint16(8, true), view.getUint16(frameAt + 3, true) + view.getUint16(frameAt + 7, true)),
  };
}

function openSides(
  view: DataView,
  frameAt: number,
  { width, height }: { width: number; height: number },
): GifHeader["open"] {
  const [left, top] = [view.getUint16(frameAt + 1, true), view.getUint16(frameAt + 3, true)];
  const right = width - left - view.getUint16(frameAt + 5, true);
  const bottom = height - top - view.getUint16(frameAt + 7, true);
  return left + top + right + bottom > 0 ? { left, top, right, bottom } : undefined;
}

/** Blocks before the first frame that are looked at: 250 MB of full ones, far more than any comment or profile. */
const BLOCKS_MAX = 1_000_000;
const EXTENSION = 0x21;
const GRAPHIC_CONTROL = 0xf9;
const IMAGE = 0x2c;
const TRAILER = 0x3b;
const TRANSPARENT_FLAG = 0x01;
const INTERLACE_FLAG = 0x40;
const TABLE_FLAG = 0x80;

/** The number of colours in the table that a packed field announces. */
function coloursOf(packed: number): number {
  return packed & TABLE_FLAG ? 2 << (packed & 7) : 0;
}

/** The same GIF with its first frame's transparent colour shown, as `convert("RGB")` of Pillow shows it. */
export function withoutTransparency(bytes: Uint8Array, { controlAt }: GifHeader): Uint8Array {
  if (controlAt === undefined || (bytes[controlAt]! & TRANSPARENT_FLAG) === 0) return bytes;
  const opaque = new Uint8Array(bytes);
  opaque[controlAt]! &= ~TRANSPARENT_FLAG;
  return opaque;
}
