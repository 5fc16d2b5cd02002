import type { InputGeometry } from "#lib/model/resize-geometry.ts";
import type { CheckedPhoto } from "./check-photo.ts";
import type { PhotoHeader } from "./header/photo-header.ts";
import { staysWhole } from "./reduction.ts";

/**
 * Whether a photo is one of most small ones: a JPEG that nothing must be done to but the decoding, and so little of that
 * that the event loop may wait for it.
 */
export function isPlainJpeg(byteLength: number, { header, size }: CheckedPhoto, input: InputGeometry): boolean {
  const pixels = size.width * size.height;
  if (byteLength > BYTES_MAX || pixels > PIXELS_MAX || !isAsSeen(header)) return false;
  // A larger photo is reduced along an axis at least.
  return pixels <= 16 * input.width * input.height && staysWhole(size, input);
}

/** A file of more bytes is hardly ever a photo that needs no reduction. */
const BYTES_MAX = 65_536;
/** A megapixel takes some 20 ms of CPU, whatever is on it. */
const PIXELS_MAX = 1_000_000;

/** Stored as it is to be seen: 8 bits, grey or YCbCr, one pass, upright by the lack of any EXIF, without colour profile. */
function isAsSeen({ format, bitsPerSample, samplesPerPixel, exif, xmp, ...header }: PhotoHeader): boolean {
  const isOnePass = !header.isProgressive && header.scans === 1;
  const isBare = exif === undefined && xmp === undefined && !header.hasProfile && !header.hasAdobe;
  return format === "jpeg" && bitsPerSample === 8 && samplesPerPixel <= 3 && isOnePass && isBare;
}
