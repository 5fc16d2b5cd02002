import type { PhotoHeader } from "./photo-header.ts";
import { readTiffStructure, type TiffDirectory, type TiffStructure } from "./tiff-directory.ts";

export interface TiffHeader extends PhotoHeader {
  readonly format: "tiff";
  /** Why libvips would give other pixels than the file holds, as the end of a sentence; undefined where it does not. */
  readonly unreadable: string | undefined;
  /** Encoded or not, a strip or tile is held as a whole while it is decoded. */
  readonly blockPixels: number;
}

/**
 * Reads the first directory of a TIFF or BigTIFF file (TIFF 6.0, section 8).
 *
 * @returns undefined where there is none, or no size in it.
 */
export function readTiffHeader(bytes: Uint8Array): TiffHeader | undefined {
  const structure = readTiffStructure(bytes);
  const directory = structure?.directory(structure.first);
  const width = directory?.number(TAG.width);
  const height = directory?.number(TAG.height);
  if (!structure || !directory || !width || !height) return undefined;
  const bitsPerSample = Math.max(1, ...(directory.numbers(TAG.bitsPerSample) ?? []));
  const samplesPerPixel = directory.number(TAG.samplesPerPixel) ?? 1;
  const tileWidth = directory.number(TAG.tileWidth);
  const tileHeight = directory.number(TAG.tileHeight);
  const rows = Math.min(directory.number(TAG.rowsPerStrip) ?? height, height);
  const blockPixels = tileWidth && tileHeight ? width * tileHeight : width * rows;
  return {
    format: "tiff",
    width,
    height,
    bitsPerSample,
    samplesPerPixel,
    hasAlpha: directory.number(TAG.extraSamples) !== undefined,
    hasProfile: directory.bytes(TAG.profile) !== undefined,
    isInterlaced: false,
    isProgressive: false,
    scans: 1,
    isCut: false,
    frames: 1,
    exif: bytes,
    xmp: directory.bytes(TAG.xmp),
    blockPixels,
    unreadable: unreadableReason(structure, directory, samplesPerPixel),
  };
}

const TAG = {
  subfileType: 254,
  width: 256,
  height: 257,
  bitsPerSample: 258,
  compression: 259,
  photometric: 262,
  samplesPerPixel: 277,
  rowsPerStrip: 278,
  tileWidth: 322,
  tileHeight: 323,
  subDirectories: 330,
  extraSamples: 338,
  xmp: 700,
  profile: 34_675,
  dngVersion: 50_706,
} as const;

const OLD_JPEG = 6;
const JPEG = 7;
const YCBCR = 6;
const CFA = 32_803;
const LINEAR_RAW = 34_892;
const REDUCED = 1;

function unreadableReason(structure: TiffStructure, directory: TiffDirectory, samples: number): string | undefined {
  const photometric = directory.number(TAG.photometric);
  const compression = directory.number(TAG.compression) ?? 1;
  if (isCameraRaw(structure, directory)) return "a camera raw file (DNG or alike); develop it to JPEG first";
  if (compression === OLD_JPEG) return "a TIFF with old-style JPEG compression; store it as JPEG or PNG";
  // libtiff converts YCbCr for JPEG compression only; what else is stored so would come out in false colours.
  if (photometric === YCBCR && compression !== JPEG && samples >= 3) {
    return "a TIFF in YCbCr without JPEG compression; store it as RGB";
  }
  return undefined;
}

/** DNG says so; other raw files are TIFFs whose pixels are a colour filter array, behind a small picture. */
function isCameraRaw(structure: TiffStructure, directory: TiffDirectory): boolean {
  if (directory.bytes(TAG.dngVersion)) return true;
  if (isRawPicture(directory)) return true;
  const isReduced = ((directory.number(TAG.subfileType) ?? 0) & REDUCED) !== 0;
  const others = (directory.numbers(TAG.subDirectories) ?? []).map((offset) => structure.directory(offset));
  return others.some((other) => other && (isRawPicture(other) || (isReduced && isFullPicture(other))));
}

function isRawPicture(directory: TiffDirectory): boolean {
  const photometric = directory.number(TAG.photometric);
  return photometric === CFA || photometric === LINEAR_RAW;
}

function isFullPicture(directory: TiffDirectory): boolean {
  return ((directory.number(TAG.subfileType) ?? 0) & REDUCED) === 0;
}
