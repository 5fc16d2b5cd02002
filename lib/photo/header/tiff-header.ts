import type { PhotoHeader } from "./photo-header.ts";
import { readTiffStructure, type TiffDirectory, type TiffStructure } from "./tiff-directory.ts";

export interface TiffHeader extends PhotoHeader {
  readonly format: "tiff";
  /** Encoded or not, a strip or tile is held as a whole while it is decoded. */
  readonly blockPixels: number;
  readonly isTiled: boolean;
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
    isCut: isCut(directory, bytes.byteLength),
    frames: 1,
    exif: bytes,
    xmp: directory.bytes(TAG.xmp),
    blockPixels,
    isTiled: tileWidth !== undefined,
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
  stripOffsets: 273,
  samplesPerPixel: 277,
  rowsPerStrip: 278,
  stripBytes: 279,
  planar: 284,
  tileWidth: 322,
  tileHeight: 323,
  tileOffsets: 324,
  tileBytes: 325,
  subDirectories: 330,
  extraSamples: 338,
  sampleFormat: 339,
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

/** Whether a strip or tile ends beyond the file. libvips leaves black what is missing of tiles. */
function isCut(directory: TiffDirectory, fileBytes: number): boolean {
  const offsets =
    directory.numbers(TAG.tileOffsets, BLOCKS_MAX) ?? directory.numbers(TAG.stripOffsets, BLOCKS_MAX) ?? [];
  const lengths = directory.numbers(TAG.tileBytes, BLOCKS_MAX) ?? directory.numbers(TAG.stripBytes, BLOCKS_MAX) ?? [];
  return offsets.some((offset, index) => offset + (lengths[index] ?? 0) > fileBytes);
}

/** A strip a row of the longest side. */
const BLOCKS_MAX = 65_536;

/** Whatever libvips would give other pixels of than the file holds, or can't decode at all. */
function unreadableReason(structure: TiffStructure, directory: TiffDirectory, samples: number): string | undefined {
  const photometric = directory.number(TAG.photometric) ?? RGB;
  const compression = directory.number(TAG.compression) ?? 1;
  if (isCameraRaw(structure, directory)) return "a camera raw file (DNG or alike); develop it to JPEG first";
  if (isThumbnail(structure, directory)) {
    return "a TIFF whose first picture is a thumbnail of another one; store that one first, or as JPEG";
  }
  if (compression === OLD_JPEG) return "a TIFF with old-style JPEG compression; store it as JPEG or PNG";
  if (!COMPRESSIONS.has(compression)) {
    const name = OTHER_COMPRESSIONS[compression] ?? `unknown (${compression})`;
    return `a TIFF with ${name} compression; store it with LZW or Deflate`;
  }
  // libtiff converts YCbCr for JPEG compression only; what else is stored so would come out in false colours.
  if (photometric === YCBCR && compression !== JPEG && samples >= 3) {
    return "a TIFF in YCbCr without JPEG compression; store it as RGB";
  }
  if (!PHOTOMETRICS.has(photometric)) {
    const name = OTHER_PHOTOMETRICS[photometric] ?? `unknown colours (${photometric})`;
    return `a TIFF in ${name}; store it as RGB`;
  }
  return sampleProblem(directory, samples);
}

/** Numbers that don't say what is black and white, and packings that libvips does not know. */
function sampleProblem(directory: TiffDirectory, samples: number): string | undefined {
  const bits = Math.max(1, ...(directory.numbers(TAG.bitsPerSample) ?? []));
  const formats = directory.numbers(TAG.sampleFormat) ?? [];
  if (formats.includes(FLOAT))
    return "a TIFF of floating-point numbers, which don't say what is white; store it with 16 bits";
  if (formats.some((format) => format !== UNSIGNED && format !== UNDEFINED)) {
    return "a TIFF of signed or complex numbers, which don't say what is white; store it with 16 bits";
  }
  if (bits !== 8 && bits !== 16 && !(samples === 1 && (bits === 1 || bits === 2 || bits === 4))) {
    return `a TIFF of ${bits} bits a sample; store it with 8 or 16`;
  }
  if (samples > 1 && directory.number(TAG.tileWidth) && directory.number(TAG.planar) === IN_PLANES) {
    return "a TIFF with planes in tiles; store it with strips, or with the samples of a pixel together";
  }
  return undefined;
}

/** None, CCITT, LZW, JPEG, Deflate (two numbers), PackBits, WebP. */
const COMPRESSIONS = new Set([1, 2, 3, 4, 5, JPEG, 8, 32_773, 32_946, 50_001]);
const OTHER_COMPRESSIONS: Readonly<Record<number, string>> = {
  9: "JBIG",
  10: "JBIG",
  32809: "ThunderScan",
  33003: "JPEG 2000",
  33005: "JPEG 2000",
  34661: "JBIG",
  34676: "SGI Log",
  34677: "SGI Log",
  34712: "JPEG 2000",
  34887: "LERC",
  34892: "lossy JPEG",
  34925: "LZMA",
  50000: "Zstandard",
  50002: "JPEG XL",
  52546: "JPEG XL",
};
const RGB = 2;
/** White is zero, black is zero, RGB, palette, CMYK, YCbCr. */
const PHOTOMETRICS = new Set([0, 1, RGB, 3, 5, YCBCR]);
const OTHER_PHOTOMETRICS: Readonly<Record<number, string>> = {
  4: "a transparency mask's bits",
  8: "CIELAB colours",
  9: "ICCLAB colours",
  10: "ITULAB colours",
  32844: "LogL numbers",
  32845: "LogLuv colours",
};
const UNSIGNED = 1;
const FLOAT = 3;
const UNDEFINED = 4;
const IN_PLANES = 2;

/** DNG says so; other raw files are TIFFs whose pixels are a colour filter array, behind a small picture. */
function isCameraRaw(structure: TiffStructure, directory: TiffDirectory): boolean {
  if (directory.bytes(TAG.dngVersion)) return true;
  return isRawPicture(directory) || subDirectories(structure, directory).some(isRawPicture);
}

/** A reduced picture, with one behind or below it that is none. */
function isThumbnail(structure: TiffStructure, directory: TiffDirectory): boolean {
  if (isFullPicture(directory)) return false;
  const next = directory.next === 0 ? undefined : structure.directory(directory.next);
  return [...subDirectories(structure, directory), ...(next ? [next] : [])].some(isFullPicture);
}

function subDirectories(structure: TiffStructure, directory: TiffDirectory): TiffDirectory[] {
  return (directory.numbers(TAG.subDirectories) ?? []).flatMap((offset) => structure.directory(offset) ?? []);
}

function isRawPicture(directory: TiffDirectory): boolean {
  const photometric = directory.number(TAG.photometric);
  return photometric === CFA || photometric === LINEAR_RAW;
}

function isFullPicture(directory: TiffDirectory): boolean {
  return ((directory.number(TAG.subfileType) ?? 0) & REDUCED) === 0;
}
