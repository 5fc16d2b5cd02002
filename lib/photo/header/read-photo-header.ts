import { readBmpHeader } from "./bmp-header.ts";
import { readGifHeader } from "./gif-header.ts";
import { readHeifHeader } from "./heif-header.ts";
import { readJpegHeader } from "./jpeg-header.ts";
import type { PhotoFormat } from "./photo-format.ts";
import type { PhotoHeader } from "./photo-header.ts";
import { readPngHeader } from "./png-header.ts";
import { readTiffHeader } from "./tiff-header.ts";
import { readWebpHeader } from "./webp-header.ts";

/** Reads a photo's header by its format; undefined where it has none that makes sense. Never throws, never decodes. */
export function readPhotoHeader(bytes: Uint8Array, format: PhotoFormat): PhotoHeader | undefined {
  try {
    return READERS[format](bytes);
  } catch (error) {
    // A number of the header pointed beyond the bytes.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

const READERS: Readonly<Record<PhotoFormat, (bytes: Uint8Array) => PhotoHeader | undefined>> = {
  jpeg: readJpegHeader,
  png: readPngHeader,
  webp: readWebpHeader,
  avif: (bytes) => readHeifHeader(bytes, "avif"),
  heic: (bytes) => readHeifHeader(bytes, "heic"),
  tiff: readTiffHeader,
  gif: readGifHeader,
  bmp: readBmpHeader,
};
