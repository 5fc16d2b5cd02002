import { latin1, viewOf } from "./bytes.ts";
import type { PhotoHeader } from "./photo-header.ts";

/**
 * Reads the chunks of a WebP (RFC 9649, section 2): size, alpha, animation, EXIF and XMP.
 *
 * @returns undefined where no chunk tells the size.
 */
export function readWebpHeader(bytes: Uint8Array): PhotoHeader | undefined {
  const chunks = [...readChunks(bytes)];
  const dataOf = (type: string) => chunks.find((chunk) => chunk.type === type)?.data;
  const read = (type: string, reader: (data: Uint8Array) => Size | undefined) => {
    const data = dataOf(type);
    return data && reader(data);
  };
  const size = read("VP8X", readExtended) ?? read("VP8 ", readLossy) ?? read("VP8L", readLossless);
  if (!size) return undefined;
  const exif = dataOf("EXIF");
  return {
    format: "webp",
    ...size,
    bitsPerSample: 8,
    samplesPerPixel: size.hasAlpha ? 4 : 3,
    hasProfile: dataOf("ICCP") !== undefined,
    isLossless: dataOf("VP8L") !== undefined,
    isInterlaced: false,
    isProgressive: false,
    scans: 1,
    frames: Math.max(1, chunks.filter(({ type }) => type === "ANMF").length),
    exif: exif && withoutPrefix(exif),
    xmp: dataOf("XMP "),
    isCut: 8 + viewOf(bytes).getUint32(4, true) > bytes.byteLength,
  };
}

interface Size {
  readonly width: number;
  readonly height: number;
  readonly hasAlpha: boolean;
}

function* readChunks(bytes: Uint8Array): Generator<{ type: string; data: Uint8Array }> {
  const view = viewOf(bytes);
  let chunks = 0;
  for (let at = 12; at + 8 <= bytes.byteLength && chunks < CHUNKS_MAX; chunks += 1) {
    const length = view.getUint32(at + 4, true);
    yield {
      type: latin1(bytes, at, at + 4),
      data: bytes.subarray(at + 8, Math.min(at + 8 + length, bytes.byteLength)),
    };
    at += 8 + length + (length & 1);
  }
}

/** An animation has one a frame. */
const CHUNKS_MAX = 20_000;
const ALPHA_FLAG = 0x10;

function readExtended(data: Uint8Array) {
  if (data.byteLength < 10) return undefined;
  const three = (at: number) => data[at]! | (data[at + 1]! << 8) | (data[at + 2]! << 16);
  return { width: 1 + three(4), height: 1 + three(7), hasAlpha: (data[0]! & ALPHA_FLAG) !== 0 };
}

/** A key frame's header: RFC 6386, section 9.1. */
function readLossy(data: Uint8Array) {
  if (data.byteLength < 10 || data[3] !== 0x9d || data[4] !== 0x01 || data[5] !== 0x2a) return undefined;
  const view = viewOf(data);
  return { width: view.getUint16(6, true) & 0x3fff, height: view.getUint16(8, true) & 0x3fff, hasAlpha: false };
}

/** A signature byte, 14 bits of width, 14 of height, one that says alpha: RFC 9649, section 3.4. */
function readLossless(data: Uint8Array) {
  if (data.byteLength < 5 || data[0] !== 0x2f) return undefined;
  const bits = viewOf(data).getUint32(1, true);
  return { width: 1 + (bits & 0x3fff), height: 1 + ((bits >>> 14) & 0x3fff), hasAlpha: ((bits >>> 28) & 1) === 1 };
}

/** Some programs leave JPEG's prefix in front of the TIFF structure. */
function withoutPrefix(data: Uint8Array): Uint8Array {
  return latin1(data, 0, 6) === "Exif\0\0" ? data.subarray(6) : data;
}
