/** The formats that photos may rest in. */
export type PhotoFormat = "jpeg" | "png" | "webp" | "avif" | "tiff" | "gif";

/**
 * Tells a photo's format from its first bytes, whatever its name says; undefined when they begin like none of the
 * formats we read. It is no promise that the rest can be decoded.
 *
 * @param bytes the photo or its beginning; 64 bytes are enough for every file that cameras and phones write.
 */
export function sniffPhotoFormat(bytes: Uint8Array): PhotoFormat | undefined {
  const text = (start: number, end: number) => String.fromCharCode(...bytes.subarray(start, end));
  if (text(0, 3) === "\xff\xd8\xff") return "jpeg";
  if (text(0, 8) === "\x89PNG\r\n\x1a\n") return "png";
  if (text(0, 4) === "RIFF" && text(8, 12) === "WEBP") return "webp";
  if (text(0, 4) === "II*\0" || text(0, 4) === "MM\0*") return "tiff";
  if (text(0, 6) === "GIF87a" || text(0, 6) === "GIF89a") return "gif";
  if (text(4, 8) === "ftyp" && brands(bytes, text).some((brand) => AVIF_BRANDS.has(brand))) return "avif";
  return undefined;
}

/** Still images and sequences, AV1 Image File Format 1.1, section 6. HEIC has the same container and other brands. */
const AVIF_BRANDS = new Set(["avif", "avis"]);

/** A file type box names at most so many brands in the files we read; a longer list is read up to here. */
const BRANDS_MAX = 32;

/** The major brand and the compatible ones of a file type box, ISO/IEC 14496-12, section 4.3. */
function brands(bytes: Uint8Array, text: (start: number, end: number) => string): string[] {
  const boxBytes = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0);
  const end = Math.min(boxBytes, bytes.byteLength, 4 * BRANDS_MAX);
  const compatible = Array.from({ length: Math.max(0, Math.floor((end - 16) / 4)) }, (_, i) => 16 + 4 * i);
  return [8, ...compatible].map((start) => text(start, start + 4));
}
