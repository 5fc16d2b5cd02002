import type { PhotoFormat } from "./photo-format.ts";

/** What a photo says of itself before its pixels are decoded. Strangers wrote it: nothing of it is a promise. */
export interface PhotoHeader {
  readonly format: PhotoFormat;
  /** Why its pixels can't be had as they are meant, as the end of a sentence ("the photo is …"); undefined where they can. */
  readonly unreadable?: string | undefined;
  /** In pixels, as stored; of AVIF and HEIC as shown, since their containers turn and cut. */
  readonly width: number;
  readonly height: number;
  readonly bitsPerSample: number;
  /** Samples stored for a pixel; 1.5 with chroma at half the size both ways. */
  readonly samplesPerPixel: number;
  readonly hasAlpha: boolean;
  /** Whether an ICC profile is embedded. */
  readonly hasProfile: boolean;
  /** What colours the numbers mean where no profile says it; undefined for sRGB and where nothing is said. */
  readonly nclx?: Nclx | undefined;
  /** WebP: pixels are stored exactly, and all of them are held while they are decoded. */
  readonly isLossless?: boolean;
  /** JPEG: an Adobe marker tells how colours are transformed. */
  readonly hasAdobe?: boolean;
  /** Whether the bytes break off before the picture's end, as far as the structure tells. */
  readonly isCut: boolean;
  /** PNG and GIF: pixels come in several passes, so the whole picture is held. */
  readonly isInterlaced: boolean;
  /** JPEG: coefficients come in several scans, so all of them are held. */
  readonly isProgressive: boolean;
  /** JPEG scans; each runs over the whole picture. */
  readonly scans: number;
  /** JPEG: false where the reading was in a hurry, and the file has more markers than a photo: there may be more scans. */
  readonly hasAllScans?: boolean | undefined;
  /** WebP: pictures of an animation, of which the first is taken; 1 in all others. */
  readonly frames: number;
  /** A TIFF structure with EXIF's tags. */
  readonly exif: Uint8Array | undefined;
  /** An XMP packet. */
  readonly xmp: Uint8Array | undefined;
}

/** Coding-independent code points, ITU-T H.273: what colours the numbers of an image mean. */
export interface Nclx {
  readonly primaries: number;
  readonly transfer: number;
}
