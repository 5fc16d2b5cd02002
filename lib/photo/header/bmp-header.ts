import { viewOf } from "./bytes.ts";
import type { PhotoHeader } from "./photo-header.ts";

/**
 * Reads the headers of a BMP: BITMAPCOREHEADER, BITMAPINFOHEADER and its longer kin.
 *
 * @returns undefined where the second header is none of them.
 */
export function readBmpHeader(bytes: Uint8Array): PhotoHeader | undefined {
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
  const meta = { isCut: false, exif: undefined, xmp: undefined, hasProfile: false, hasAlpha: depth === 32 };
  return { format: "bmp", ...size, ...meta, isInterlaced: false, isProgressive: false, scans: 1, frames: 1 };
}

const CORE_HEADER_BYTES = 12;
const INFO_HEADER_BYTES = 40;
const V5_HEADER_BYTES = 124;
