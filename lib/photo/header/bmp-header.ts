import { viewOf } from "./bytes.ts";
import type { PhotoHeader } from "./photo-header.ts";

export interface BmpHeader extends PhotoHeader {
  readonly format: "bmp";
  /** The embedded ICC profile, which headers of version 5 may have. */
  readonly profile: Uint8Array | undefined;
}

/**
 * Reads the headers of a BMP: BITMAPCOREHEADER, BITMAPINFOHEADER and its longer kin.
 *
 * @returns undefined where the second header is none of them.
 */
export function readBmpHeader(bytes: Uint8Array): BmpHeader | undefined {
  if (bytes.byteLength < 26) return undefined;
  const view = viewOf(bytes);
  const headerBytes = view.getUint32(14, true);
  const isCore = headerBytes === CORE_HEADER_BYTES;
  if (!isCore && (headerBytes < INFO_HEADER_BYTES || headerBytes > V5_HEADER_BYTES || bytes.byteLength < 54)) {
    return undefined;
  }
  const width = isCore ? view.getUint16(18, true) : view.getInt32(18, true);
  // A negative height says that the rows go down.
  const height = isCore ? view.getUint16(20, true) : Math.abs(view.getInt32(22, true));
  const depth = view.getUint16(isCore ? 24 : 28, true);
  if (width <= 0 || height <= 0) return undefined;
  const size = { width, height, bitsPerSample: 8, samplesPerPixel: depth === 32 ? 4 : 3 };
  const profile = headerBytes === V5_HEADER_BYTES ? readProfile(bytes, view) : undefined;
  const meta = { isCut: false, exif: undefined, xmp: undefined, hasAlpha: depth === 32 };
  return {
    format: "bmp",
    ...size,
    ...meta,
    profile,
    hasProfile: profile !== undefined,
    isInterlaced: false,
    isProgressive: false,
    scans: 1,
    frames: 1,
  };
}

/** BITMAPV5HEADER, bV5CSType, bV5ProfileData and bV5ProfileSize; the offset counts from the second header. */
function readProfile(bytes: Uint8Array, view: DataView): Uint8Array | undefined {
  if (bytes.byteLength < FILE_HEADER_BYTES + V5_HEADER_BYTES) return undefined;
  if (view.getUint32(FILE_HEADER_BYTES + 56, true) !== PROFILE_EMBEDDED) return undefined;
  const start = FILE_HEADER_BYTES + view.getUint32(FILE_HEADER_BYTES + 112, true);
  const length = view.getUint32(FILE_HEADER_BYTES + 116, true);
  return length > ICC_HEADER_BYTES && start + length <= bytes.byteLength
    ? bytes.subarray(start, start + length)
    : undefined;
}

/** "MBED". */
const PROFILE_EMBEDDED = 0x4d424544;
const ICC_HEADER_BYTES = 128;
const FILE_HEADER_BYTES = 14;
const CORE_HEADER_BYTES = 12;
const INFO_HEADER_BYTES = 40;
const V5_HEADER_BYTES = 124;
