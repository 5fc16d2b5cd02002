import { latin1, viewOf } from "./bytes.ts";

/** One directory of a TIFF file, or of the TIFF structure that EXIF is stored in. */
export interface TiffDirectory {
  /** The first numbers of a tag, 16 unless asked for more; undefined where the directory lacks it or holds something else. */
  numbers(tag: number, countMax?: number): number[] | undefined;
  /** The first number of a tag. */
  number(tag: number): number | undefined;
  /** The text of a tag, up to its first NUL. */
  text(tag: number): string | undefined;
  /** The raw bytes of a tag. */
  bytes(tag: number): Uint8Array | undefined;
  /** The offset of the directory behind this one; 0 for the last. */
  readonly next: number;
}

export interface TiffStructure {
  readonly isBig: boolean;
  /** Where the first directory begins. */
  readonly first: number;
  /** The directory at an offset; undefined where the bytes end before it does. */
  directory(offset: number): TiffDirectory | undefined;
}

/**
 * Reads the structure of a TIFF file: TIFF 6.0, section 2, and BigTIFF. Whatever lies outside the bytes is undefined,
 * never an error: EXIF blocks are damaged more often than the photos they describe.
 */
export function readTiffStructure(bytes: Uint8Array): TiffStructure | undefined {
  if (bytes.byteLength < 8) return undefined;
  const view = viewOf(bytes);
  const order = latin1(bytes, 0, 2);
  if (order !== "II" && order !== "MM") return undefined;
  const little = order === "II";
  const version = view.getUint16(2, little);
  const isBig = version === BIG_TIFF;
  if (version !== CLASSIC_TIFF && !isBig) return undefined;
  if (isBig && bytes.byteLength < 16) return undefined;
  const first = isBig ? offset64(view, 8, little) : view.getUint32(4, little);
  return { isBig, first, directory: (offset) => readDirectory(bytes, view, little, isBig, offset) };
}

const CLASSIC_TIFF = 42;
const BIG_TIFF = 43;
/** TIFF files in the wild have up to a few dozen tags a directory; more is damage. */
const ENTRIES_MAX = 4_096;
const VALUES_MAX = 16;
const TEXT_BYTES_MAX = 256;

interface Entry {
  readonly type: number;
  readonly count: number;
  /** Where the values begin. */
  readonly at: number;
}

function readDirectory(
  bytes: Uint8Array,
  view: DataView,
  little: boolean,
  isBig: boolean,
  offset: number,
): TiffDirectory | undefined {
  const { countBytes, entryBytes, inlineBytes } = isBig ? BIG_LAYOUT : CLASSIC_LAYOUT;
  if (offset <= 0 || offset + countBytes > view.byteLength) return undefined;
  const place = (at: number) => (isBig ? offset64(view, at, little) : view.getUint32(at, little));
  const count = isBig ? place(offset) : view.getUint16(offset, little);
  const end = offset + countBytes + count * entryBytes;
  if (count > ENTRIES_MAX || end > view.byteLength) return undefined;

  const entries = new Map<number, Entry>();
  for (let at = offset + countBytes; at < end; at += entryBytes) {
    const tag = view.getUint16(at, little);
    const type = view.getUint16(at + 2, little);
    const values = place(at + 4);
    const inline = at + entryBytes - inlineBytes;
    const size = values * (TYPE_BYTES[type] ?? Number.POSITIVE_INFINITY);
    const start = size <= inlineBytes ? inline : place(inline);
    if (start + size <= view.byteLength && !entries.has(tag)) entries.set(tag, { type, count: values, at: start });
  }
  const next = end + inlineBytes <= view.byteLength ? place(end) : 0;
  return directoryOf(bytes, view, little, entries, next);
}

function directoryOf(
  bytes: Uint8Array,
  view: DataView,
  little: boolean,
  entries: ReadonlyMap<number, Entry>,
  next: number,
): TiffDirectory {
  const numbers = (tag: number, countMax = VALUES_MAX) => {
    const entry = entries.get(tag);
    const read = entry && READERS[entry.type];
    if (!entry || !read) return undefined;
    const bytesEach = TYPE_BYTES[entry.type]!;
    const length = Math.min(entry.count, countMax);
    return Array.from({ length }, (_, index) => read(view, entry.at + index * bytesEach, little));
  };
  return {
    next,
    numbers,
    number: (tag) => numbers(tag)?.[0],
    text(tag) {
      const entry = entries.get(tag);
      if (entry?.type !== ASCII) return undefined;
      return latin1(bytes, entry.at, entry.at + Math.min(entry.count, TEXT_BYTES_MAX)).split("\0", 1)[0];
    },
    bytes(tag) {
      const entry = entries.get(tag);
      return entry && bytes.subarray(entry.at, entry.at + entry.count * TYPE_BYTES[entry.type]!);
    },
  };
}

const CLASSIC_LAYOUT = { countBytes: 2, entryBytes: 12, inlineBytes: 4 };
const BIG_LAYOUT = { countBytes: 8, entryBytes: 20, inlineBytes: 8 };

const ASCII = 2;
/** By type: BYTE, ASCII, SHORT, LONG, RATIONAL, SBYTE, UNDEFINED, SSHORT, SLONG, SRATIONAL, FLOAT, DOUBLE, IFD, LONG8, SLONG8, IFD8. */
const TYPE_BYTES: Readonly<Record<number, number>> = {
  1: 1,
  2: 1,
  3: 2,
  4: 4,
  5: 8,
  6: 1,
  7: 1,
  8: 2,
  9: 4,
  10: 8,
  11: 4,
  12: 8,
  13: 4,
  16: 8,
  17: 8,
  18: 8,
};

type Read = (view: DataView, at: number, little: boolean) => number;
const READERS: Readonly<Record<number, Read>> = {
  1: (view, at) => view.getUint8(at),
  3: (view, at, little) => view.getUint16(at, little),
  4: (view, at, little) => view.getUint32(at, little),
  5: (view, at, little) => view.getUint32(at, little) / view.getUint32(at + 4, little),
  7: (view, at) => view.getUint8(at),
  8: (view, at, little) => view.getInt16(at, little),
  9: (view, at, little) => view.getInt32(at, little),
  10: (view, at, little) => view.getInt32(at, little) / view.getInt32(at + 4, little),
  13: (view, at, little) => view.getUint32(at, little),
  16: (view, at, little) => offset64(view, at, little),
  18: (view, at, little) => offset64(view, at, little),
};

/** A 64-bit number; what is too large for a double is too large for any file. */
function offset64(view: DataView, at: number, little: boolean): number {
  return Number(view.getBigUint64(at, little));
}
