import type { PixelSize } from "#lib/model/resize-geometry.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { estimateDecodeBytes } from "./decode-cost.ts";
import { describeUnsupported } from "./header/describe-unsupported.ts";
import type { HeifHeader } from "./header/heif-header.ts";
import { sniffPhotoFormat } from "./header/photo-format.ts";
import type { PhotoHeader } from "./header/photo-header.ts";
import { readPhotoHeader } from "./header/read-photo-header.ts";
import type { TiffHeader } from "./header/tiff-header.ts";
import { readTurn, swapsSides, type Turn } from "./orientation.ts";

/** What a photo may cost. */
export interface PhotoLimits {
  /** Photos whose header declares more pixels than this are refused: every one of them takes time. */
  readonly pixelsMax: number;
  /** Photos whose decoding would take more memory than this are refused; see `estimateDecodeBytes`. */
  readonly decodeBytesMax: number;
  /** JPEGs of more scans are refused: each scan runs over the whole picture. Photo programs write up to 20. */
  readonly scansMax: number;
}

const MIB = 1_048_576;

export const DEFAULT_PHOTO_LIMITS: PhotoLimits = {
  // 200-megapixel phones, and panoramas; every pixel costs time.
  pixelsMax: 500_000_000,
  decodeBytesMax: 320 * MIB,
  scansMax: 100,
};

/** A photo whose header says that it may be decoded. */
export interface CheckedPhoto {
  readonly header: PhotoHeader;
  readonly turn: Turn;
  /** Upright, in pixels. */
  readonly size: PixelSize;
  /** What decoding it takes beyond its encoded bytes, at most. */
  readonly decodeBytes: number;
}

/**
 * Looks at a photo's first bytes and its header, and refuses what no decoder should see. Decodes nothing.
 *
 * @param isHurried as for `readPhotoHeader`: whoever has time looks for scans to a JPEG's end.
 * @throws unsupported-format when the bytes are of no format we read, naming the one they are of; corrupt-image when
 * they are empty or have no header; pixel-limit when the header declares more than the limits allow, naming the setting.
 */
export function checkPhoto(bytes: Uint8Array, limits = DEFAULT_PHOTO_LIMITS, isHurried = true): CheckedPhoto {
  if (bytes.byteLength === 0) throw new FruitstreamError("corrupt-image", "the photo is empty, 0 bytes");
  const format = sniffPhotoFormat(bytes);
  if (format === undefined) {
    throw unsupported(`${describeUnsupported(bytes)}; store it as JPEG, PNG, WebP, AVIF, HEIC, TIFF, GIF or BMP`);
  }
  const header = readPhotoHeader(bytes, format, isHurried);
  if (!header || header.width === 0 || header.height === 0) {
    const problem = `its ${format.toUpperCase()} header breaks off or makes no sense within ${bytes.byteLength} bytes`;
    throw new FruitstreamError("corrupt-image", `the photo's header can't be read: ${problem}`);
  }
  refuseUnreadable(header);
  const turn = readTurn(header);
  const { width, height } = header;
  const size = swapsSides(turn.orientation) ? { width: height, height: width } : { width, height };
  const decodeBytes = estimateDecodeBytes(header);
  refuseCostly(header, size, decodeBytes, limits);
  return { header, turn, size, decodeBytes };
}

function refuseUnreadable(header: PhotoHeader): void {
  if (header.unreadable) throw unsupported(header.unreadable);
  // libvips fills the tiles that are missing with darkness.
  if (header.format === "tiff" && header.isCut && (header as TiffHeader).isTiled) throw endsTooEarly();
  if (header.format === "avif" || header.format === "heic") {
    const { isSequenceOnly } = header as HeifHeader;
    if (isSequenceOnly)
      throw unsupported(`a ${header.format.toUpperCase()} sequence without a still picture; store one of its frames`);
    // So does libheif.
    if (header.isCut) throw endsTooEarly();
  }
}

function endsTooEarly(): FruitstreamError {
  return new FruitstreamError("corrupt-image", "the photo can't be decoded: the file ends too early");
}

function refuseCostly(
  header: PhotoHeader,
  { width, height }: PixelSize,
  decodeBytes: number,
  limits: PhotoLimits,
): void {
  const pixels = width * height;
  const size = `the photo has ${width} x ${height}`;
  if (Math.max(width, height) > SIDE_MAX) {
    const problem = `${size} pixels, and a side of more than ${SIDE_MAX} is no photo's; cut it into several`;
    throw new FruitstreamError("pixel-limit", problem);
  }
  if (pixels > limits.pixelsMax) {
    const problem = `${size} = ${pixels} pixels, more than FEATURIZER_PHOTO_PIXELS_MAX allows, ${limits.pixelsMax}`;
    throw new FruitstreamError("pixel-limit", problem);
  }
  if (header.scans > limits.scansMax) {
    const problem = `the photo is a JPEG of ${header.scans} scans, more than FEATURIZER_JPEG_SCANS_MAX allows, ${limits.scansMax}`;
    throw new FruitstreamError("pixel-limit", `${problem}; store it with fewer`);
  }
  if (decodeBytes > limits.decodeBytesMax) {
    const kind = `${size} pixels as ${describeCoding(header)}`;
    const problem = `${kind}, and decoding it would take about ${mebibytes(decodeBytes)} MiB of memory`;
    const limit = `more than FEATURIZER_DECODE_BYTES_MAX allows, ${mebibytes(limits.decodeBytesMax)} MiB`;
    throw new FruitstreamError("pixel-limit", `${problem}, ${limit}; store it smaller or as a baseline JPEG`);
  }
}

/** The longest side that a JPEG can have. libvips holds whole lines: 3,000,000 pixels wide ones took 1 GB. */
const SIDE_MAX = 65_535;

function describeCoding({ format, bitsPerSample, isProgressive, isInterlaced, hasAlpha }: PhotoHeader): string {
  const words = [
    isProgressive && "progressive",
    isInterlaced && "interlaced",
    bitsPerSample > 8 && `${bitsPerSample}-bit`,
    format.toUpperCase(),
    hasAlpha && "with alpha",
  ];
  return words.filter(Boolean).join(" ");
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / 1_048_576);
}

function unsupported(what: string): FruitstreamError {
  return new FruitstreamError("unsupported-format", `the photo is ${what}`);
}
