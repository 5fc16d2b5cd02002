import { readBmpHeader } from "./bmp-header.ts";
import { readGifHeader } from "./gif-header.ts";
import { readHeifHeader } from "./heif-header.ts";
import { readJpegHeader } from "./jpeg-header.ts";
import type { PhotoFormat } from "./photo-format.ts";
import type { PhotoHeader } from "./photo-header.ts";
import { readPngHeader } from "./png-header.ts";
import { readTiffHeader } from "./tiff-header.ts";
import { readWebpHeader } from "./webp-header.ts";

/**
 * Reads a photo's header by its format; undefined where it has none that makes sense. Never throws, never decodes.
 *
 * @param isHurried whether others wait for this thread. Then it takes at most some 30 ms of CPU, whatever the bytes are.
 */
export function readPhotoHeader(bytes: Uint8Array, format: PhotoFormat, isHurried = true): PhotoHeader | undefined {
  try {
    return READERS[format](bytes, isHurried);
  } catch (error) {
    // A number of the header pointed beyond the bytes.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

const READERS: Readonly<Record<PhotoFormat, (bytes: Uint8Array, isHurried: boolean) => PhotoHeader | undefined>> = {
  jpeg: readJpegHeader,
  png: readPngHeader,
  webp: readWebpHeader,
  avif: (bytes) => readHeifHeader(bytes, "avif"),
  heic: (bytes) => readHeifHeader(bytes, "heic"),
  tiff: readTiffHeader,
  gif: readGifHeader,
  bmp: readBmpHeader,
};
