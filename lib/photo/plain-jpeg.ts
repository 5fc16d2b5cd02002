import type { PixelSize } from "#lib/model/resize-geometry.ts";

/**
 * The size of a JPEG that is stored as it is to be seen: 8 bit, grey or YCbCr, upright by the lack of any EXIF, without
 * colour profile. Undefined for every other photo, and where the markers make no sense.
 *
 * Reads the markers before the first scan (ITU-T T.81, annex B), no compressed data.
 */
export function plainJpegSize(bytes: Uint8Array): PixelSize | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.byteLength < 4 || view.getUint16(0) !== START_OF_IMAGE) return undefined;
  let size: PixelSize | undefined;
  for (let at = 2; at + 4 <= bytes.byteLength; ) {
    const marker = view.getUint16(at);
    if (marker === START_OF_SCAN) return size;
    const isFrame = FRAMES.has(marker);
    if (!isFrame && !isHarmless(marker)) return undefined;
    if (isFrame) size = readFrame(view, at);
    if (isFrame && size === undefined) return undefined;
    at += 2 + view.getUint16(at + 2);
  }
  return undefined;
}

const START_OF_IMAGE = 0xffd8;
const START_OF_SCAN = 0xffda;
/** Baseline, extended sequential and progressive DCT, all with Huffman coding. */
const FRAMES = new Set([0xffc0, 0xffc1, 0xffc2]);
const FRAME_HEADER_BYTES = 10;
/** Huffman and quantisation tables, restart interval, comment. */
const TABLES = new Set([0xffc4, 0xffdb, 0xffdd, 0xfffe]);
const APP0 = 0xffe0;
const APP15 = 0xffef;
/** EXIF and XMP, colour profiles, Adobe's colour transform. */
const CHANGES_LOOK = new Set([0xffe1, 0xffe2, 0xffee]);

function isHarmless(marker: number): boolean {
  return TABLES.has(marker) || (marker >= APP0 && marker <= APP15 && !CHANGES_LOOK.has(marker));
}

/** Marker, length, bits per sample, height, width, components. */
function readFrame(view: DataView, at: number): PixelSize | undefined {
  if (at + FRAME_HEADER_BYTES > view.byteLength) return undefined;
  const bitsPerSample = view.getUint8(at + 4);
  const height = view.getUint16(at + 5);
  const width = view.getUint16(at + 7);
  const components = view.getUint8(at + 9);
  const isPlain = bitsPerSample === 8 && (components === 1 || components === 3) && width > 0 && height > 0;
  return isPlain ? { width, height } : undefined;
}
