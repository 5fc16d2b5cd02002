import { latin1, viewOf } from "./bytes.ts";

/** The formats that photos may rest in. */
export type PhotoFormat = "jpeg" | "png" | "webp" | "avif" | "heic" | "tiff" | "gif" | "bmp";

/**
 * Tells a photo's format from its first bytes, whatever its name says; undefined when they begin like none of the
 * formats we read. It is no promise that the rest can be decoded.
 *
 * @param bytes the photo or its beginning; 64 bytes are enough for every file that cameras and phones write.
 */
export function sniffPhotoFormat(bytes: Uint8Array): PhotoFormat | undefined {
  const text = (start: number, end: number) => latin1(bytes, start, end);
  if (text(0, 3) === "\xff\xd8\xff") return "jpeg";
  if (text(0, 8) === "\x89PNG\r\n\x1a\n" && text(12, 16) !== XCODE_PNG) return "png";
  if (text(0, 4) === "RIFF" && text(8, 12) === "WEBP") return "webp";
  if (TIFF_MAGICS.has(text(0, 4)) && text(8, 10) !== "CR") return "tiff";
  if (text(0, 6) === "GIF87a" || text(0, 6) === "GIF89a") return "gif";
  if (text(4, 8) === "ftyp") return formatOfBrands(fileBrands(bytes));
  if (text(0, 2) === "BM" && isBmp(bytes)) return "bmp";
  return undefined;
}

/** The first chunk of a PNG that none of the rest makes a PNG of: its pixels are packed in another way. */
const XCODE_PNG = "CgBI";
const TIFF_MAGICS = new Set(["II*\0", "MM\0*", "II+\0", "MM\0+"]);

/** Still images and sequences: AV1 Image File Format 1.2, section 6; ISO/IEC 23008-12, annex B. */
const AVIF_BRANDS = new Set(["avif", "avis"]);
const HEIC_BRANDS = new Set(["heic", "heix", "heim", "heis", "hevc", "hevx", "hevm", "hevs"]);

/** Of the brands that name a codec, the first decides; `mif1` and `msf1` alone don't say what is inside. */
function formatOfBrands(brands: readonly string[]): PhotoFormat | undefined {
  for (const brand of brands) {
    if (AVIF_BRANDS.has(brand)) return "avif";
    if (HEIC_BRANDS.has(brand)) return "heic";
  }
  return undefined;
}

/** A file type box names at most so many brands in the files we read; a longer list is read up to here. */
const BRANDS_MAX = 32;

/** The major brand and the compatible ones of a file type box, ISO/IEC 14496-12, section 4.3. */
export function fileBrands(bytes: Uint8Array): string[] {
  if (bytes.byteLength < 12) return [];
  const end = Math.min(viewOf(bytes).getUint32(0), bytes.byteLength, 16 + 4 * BRANDS_MAX);
  const compatible = Array.from({ length: Math.max(0, Math.floor((end - 16) / 4)) }, (_, index) => 16 + 4 * index);
  return [8, ...compatible].map((start) => latin1(bytes, start, start + 4));
}

/** Two letters are little to go by: a header of a known length must follow. */
function isBmp(bytes: Uint8Array): boolean {
  return bytes.byteLength >= 18 && BMP_HEADER_BYTES.has(viewOf(bytes).getUint32(14, true));
}

const BMP_HEADER_BYTES = new Set([12, 40, 52, 56, 64, 108, 124]);
