import type { GifHeader } from "./header/gif-header.ts";
import type { HeifHeader } from "./header/heif-header.ts";
import type { PhotoFormat } from "./header/photo-format.ts";
import type { PhotoHeader } from "./header/photo-header.ts";
import type { TiffHeader } from "./header/tiff-header.ts";

/**
 * An upper estimate of the bytes that decoding a photo takes beyond its encoded bytes, from its header alone. Where a
 * decoder holds the whole picture, that is what counts; where it goes through line by line, next to nothing.
 *
 * Measured as the growth of the resident set in pictures of 16 and 64 megapixels, sharp 0.35.5 with libvips 8.18.7, in
 * bytes a pixel: baseline JPEG 0.1, progressive JPEG 3.3 (4:2:0) and 6.3 (4:4:4), PNG 1.5 (8 bit), 2.9 (16 bit), 3.7
 * (with alpha), 4.1 (interlaced), 11.3 (interlaced, 16 bit, alpha), WebP 0.4 (lossy), 8 (lossless with alpha), 11.8
 * (lossy with alpha), GIF 4.7 to 7.7, AVIF 16.0 (8 bit 4:2:0), 19.2 (8 bit 4:4:4), 19.4 (10 bit 4:2:0), 25.6 (10 bit
 * 4:4:4), TIFF 1.7; HEIC 12.5 (8 bit 4:2:0, libheif as WebAssembly).
 */
export function estimateDecodeBytes(header: PhotoHeader): number {
  return BASE_BYTES + Math.ceil(header.width * header.height * bytesPerPixel(header));
}

/** Buffers of lines, the reduced picture, and what the decoder itself takes. */
const BASE_BYTES = 8 * 1_048_576;

function bytesPerPixel(header: PhotoHeader): number {
  return BYTES_PER_PIXEL[header.format](header, header.samplesPerPixel * (header.bitsPerSample > 8 ? 2 : 1));
}

type Cost = (header: PhotoHeader, storedBytesPerPixel: number) => number;

const BYTES_PER_PIXEL: Readonly<Record<PhotoFormat, Cost>> = {
  // Of several scans all coefficients are held, 2 bytes each.
  jpeg: ({ isProgressive, scans, samplesPerPixel }) => (isProgressive || scans > 1 ? 2.2 * samplesPerPixel : 0.1),
  png({ isInterlaced, hasAlpha, bitsPerSample }, stored) {
    if (isInterlaced) return 1.4 * stored;
    return 0.5 * stored + (hasAlpha ? 2.5 : 0) * (bitsPerSample > 8 ? 2 : 1);
  },
  webp: ({ hasAlpha, isLossless, frames }) => (hasAlpha ? 12 : isLossless || frames > 1 ? 9 : 1),
  // The canvas around a smaller frame is painted apart.
  gif: (header) => ((header as GifHeader).open ? 17 : 8),
  avif: ({ hasAlpha }, stored) => 13 + 2.1 * stored + (hasAlpha ? 8 : 0),
  heic: (header, stored) => 14 + 2 * stored + (header.hasAlpha ? 8 : 0) + (needsManaging(header as HeifHeader) ? 4 : 0),
  tiff: (header, stored) => tiffBytesPerPixel(header as TiffHeader, stored),
  bmp: () => 8,
};

function needsManaging({ profile, nclx }: HeifHeader): boolean {
  return profile !== undefined || nclx !== undefined;
}

/** A strip or a row of tiles is held whole, before and after decompression. */
function tiffBytesPerPixel({ width, height, blockPixels, hasAlpha }: TiffHeader, pixelBytes: number): number {
  const heldShare = Math.min(1, blockPixels / (width * height));
  return 1.7 + 2 * heldShare * pixelBytes + (hasAlpha ? 4 : 0);
}
