import type { PhotoHeader } from "./header/photo-header.ts";
import { readTiffStructure } from "./header/tiff-directory.ts";

/** 1 to 8 as EXIF numbers them: how the stored rows and columns lie in the upright picture. */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

export interface Turn {
  readonly orientation: Orientation;
  /**
   * Who turns: libvips by what EXIF says, or we where it takes no notice, as of XMP and of an eXIf chunk behind a PNG's
   * pixels.
   */
  readonly by: "libvips" | "us" | "nobody";
}

/**
 * How a photo must be turned to be upright: EXIF's orientation, or XMP's `tiff:Orientation` where EXIF names none, as
 * programs of macOS write it. AVIF and HEIC are turned by their containers, and EXIF must not turn them again
 * (ISO/IEC 23008-12, section 6.5.10).
 */
export function readTurn(header: PhotoHeader): Turn {
  if (header.format === "avif" || header.format === "heic") return { orientation: 1, by: "nobody" };
  const fromExif = header.exif && exifOrientation(header.exif);
  if (fromExif) return { orientation: fromExif, by: header.format === "png" ? "us" : "libvips" };
  const fromXmp = header.xmp && xmpOrientation(header.xmp);
  return fromXmp ? { orientation: fromXmp, by: "us" } : { orientation: 1, by: "nobody" };
}

/** Whether rows become columns. */
export function swapsSides(orientation: Orientation): boolean {
  return orientation >= 5;
}

const ORIENTATION_TAG = 274;

function exifOrientation(exif: Uint8Array): Orientation | undefined {
  const structure = readTiffStructure(exif);
  return asOrientation(structure?.directory(structure.first)?.number(ORIENTATION_TAG));
}

/** An attribute or an element: XMP specification part 1, section 7. */
const XMP_ORIENTATION = /\btiff:Orientation\s*(?:=\s*["']\s*([1-8])\s*["']|>\s*([1-8])\s*<)/;
/** Photo programs write a few kilobytes; edit histories of megabytes come after what counts. */
const XMP_BYTES_MAX = 1_048_576;

function xmpOrientation(xmp: Uint8Array): Orientation | undefined {
  const packet = Buffer.from(xmp.buffer, xmp.byteOffset, Math.min(xmp.byteLength, XMP_BYTES_MAX)).toString("utf8");
  const [, attribute, element] = XMP_ORIENTATION.exec(packet) ?? [];
  return asOrientation(Number(attribute ?? element));
}

function asOrientation(value: number | undefined): Orientation | undefined {
  return value !== undefined && Number.isInteger(value) && value >= 1 && value <= 8
    ? (value as Orientation)
    : undefined;
}
