import sharp, { type Region, type Sharp } from "sharp";
import { sniffPhotoFormat } from "#lib/messages/photo-format.ts";
import { type InputGeometry, type PixelSize, resizedPhotoSize, resizeGeometry } from "#lib/model/resize-geometry.ts";
import { sourceReach } from "#lib/model/resize-weights.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { plainJpegSize } from "./plain-jpeg.ts";
import { openTurboJpeg } from "./turbo-jpeg.ts";

/** A photo in memory, upright. */
export interface DecodedPhoto extends PixelSize {
  /** [height, width, 3], RGB in sRGB. Its buffer may be transferred to another thread. */
  readonly pixels: Uint8Array;
  /** The upright photo's size as stored, before any reduction. */
  readonly photoWidth: number;
  readonly photoHeight: number;
  /** When the pixels are only a part of the decoded photo: its size, and where in it they begin. */
  readonly partOf?: PixelSize & { readonly left: number; readonly top: number };
}

export interface DecodeOptions {
  /** The model's input: a photo is not decoded much larger than it needs. */
  readonly input: InputGeometry;
  /** Photos whose header declares more pixels than this are refused before any of them is decoded. */
  readonly pixelsMax: number;
}

/**
 * Decodes a photo upright (all eight EXIF orientations) to 8-bit sRGB, whatever it is stored as: grey, CMYK, 16 bit,
 * palette, or another colour profile. Of an animation it is the first frame.
 *
 * Alpha is dropped, not blended with a background, as Pillow's `convert("RGB")` does: the networks were trained on
 * photos read that way, and any background would be a colour that we made up.
 *
 * A photo of at least four times the model's input along an axis is reduced along it by a power of two while it is
 * decoded (JPEGs inside the inverse DCT), and is then still at least twice as large as the input. Beyond that the exact
 * resize sees no difference (on the reference photos the features' cosine stays above 0.9995), and a 50-megapixel photo
 * takes 3 MB instead of 150 MB.
 *
 * Of an axis that is still longer than 4096 pixels only those under the model's centre crop are decoded, which changes
 * nothing that the model sees. So what this returns is bounded for every aspect ratio: along an axis 4096 pixels, or a
 * little more than four times the model's input where that is larger.
 *
 * @throws unsupported-format when the bytes begin like none of the formats we read; corrupt-image when they are empty,
 * truncated or can't be decoded; pixel-limit when there are more than `pixelsMax`, or a side of more than 65,535.
 */
export async function decodePhoto(bytes: Uint8Array, options: DecodeOptions): Promise<DecodedPhoto> {
  checkFormat(bytes);
  return (
    decodePlainJpeg(bytes, options) ?? (await decodeInOnePass(bytes, options)) ?? (await decodeByHeader(bytes, options))
  );
}

/** libvips caches results of operations; no photo comes twice, so that would only be memory. */
sharp.cache(false);

/**
 * One thread per photo. The cores are filled by several photos at once and by inference; splitting one photo would add
 * switches and, with glibc's allocator, memory that is not given back.
 */
sharp.concurrency(1);

/** A file of more bytes is hardly ever a photo that needs no reduction. */
const ONE_PASS_BYTES_MAX = 65_536;

const decodeJpeg = await openTurboJpeg();

/** Most small photos: JPEGs that nothing must be done to but the decoding. Undefined for all others. */
function decodePlainJpeg(bytes: Uint8Array, options: DecodeOptions): DecodedPhoto | undefined {
  if (bytes.byteLength > ONE_PASS_BYTES_MAX) return undefined;
  const size = plainJpegSize(bytes);
  if (size === undefined || size.width * size.height > smallPixelsMax(options)) return undefined;
  if (!staysWhole(size, options)) return undefined;
  const pixels = decodeJpeg(bytes);
  return pixels && { pixels, ...size, photoWidth: size.width, photoHeight: size.height };
}

/**
 * A small photo, decoded without a look at its header first, which takes a quarter of the whole. Undefined for every
 * photo that must be reduced, cut or refused: the header will say why.
 */
async function decodeInOnePass(bytes: Uint8Array, options: DecodeOptions): Promise<DecodedPhoto | undefined> {
  if (bytes.byteLength > ONE_PASS_BYTES_MAX) return undefined;
  const limitInputPixels = smallPixelsMax(options);
  const image = sharp(bytes, { failOn: "error", limitInputPixels, autoOrient: true });
  const decoded = await toRgb(image)
    .toBuffer({ resolveWithObject: true })
    .catch(() => undefined);
  if (!decoded) return undefined;
  const { width, height } = decoded.info;
  if (!staysWhole({ width, height }, options)) return undefined;
  return { pixels: transferable(decoded.data), width, height, photoWidth: width, photoHeight: height };
}

/** A photo of more pixels is reduced along an axis at least. */
function smallPixelsMax({ input, pixelsMax }: DecodeOptions): number {
  return Math.min(pixelsMax, 16 * input.width * input.height);
}

/** Whether a photo is neither reduced nor cut while it is decoded. */
function staysWhole(photo: PixelSize, { input }: DecodeOptions): boolean {
  const { width, height } = reducedSize(photo, resizedPhotoSize(input, photo));
  return width === photo.width && height === photo.height && Math.max(width, height) <= WHOLE_SIDE_MAX;
}

async function decodeByHeader(bytes: Uint8Array, { input, pixelsMax }: DecodeOptions): Promise<DecodedPhoto> {
  const { photo, hasAlpha } = await readHeader(bytes, pixelsMax);
  const reduced = reducedSize(photo, resizedPhotoSize(input, photo));
  const reduces = reduced.width < photo.width || reduced.height < photo.height;
  const part = neededPart(input, photo, reduced);
  try {
    let image = sharp(bytes, { failOn: "error", limitInputPixels: pixelsMax, autoOrient: true });
    if (reduces && hasAlpha) image = await withoutAlpha(image);
    if (reduces) image = image.resize({ ...reduced, fit: "fill" });
    if (part) image = image.extract(part);
    const { data, info } = await toRgb(image).toBuffer({ resolveWithObject: true });
    const { width, height } = info;
    const decoded = { pixels: transferable(data), width, height, photoWidth: photo.width, photoHeight: photo.height };
    return part ? { ...decoded, partOf: { ...reduced, left: part.left, top: part.top } } : decoded;
  } catch (cause) {
    throw new FruitstreamError("corrupt-image", `the photo can't be decoded: ${firstLine(cause)}`, { cause });
  }
}

function checkFormat(bytes: Uint8Array): void {
  if (bytes.byteLength === 0) throw new FruitstreamError("corrupt-image", "the photo is empty, 0 bytes");
  if (sniffPhotoFormat(bytes) !== undefined) return;
  const start = Buffer.from(bytes.subarray(0, 8)).toString("hex");
  throw new FruitstreamError(
    "unsupported-format",
    `the photo begins with the bytes ${start}; store it as JPEG, PNG, WebP, AVIF, TIFF or GIF`,
  );
}

async function readHeader(bytes: Uint8Array, pixelsMax: number): Promise<{ photo: PixelSize; hasAlpha: boolean }> {
  const { autoOrient: photo, hasAlpha } = await readMetadata(bytes);
  const size = `${photo.width} x ${photo.height}`;
  const pixels = photo.width * photo.height;
  if (pixels > pixelsMax) {
    const problem = `the photo has ${size} = ${pixels} pixels, more than the limit of ${pixelsMax}`;
    throw new FruitstreamError("pixel-limit", problem);
  }
  if (Math.max(photo.width, photo.height) > SIDE_MAX) {
    const problem = `the photo has ${size} pixels, and a side of more than ${SIDE_MAX} is no photo's; cut it into several`;
    throw new FruitstreamError("pixel-limit", problem);
  }
  return { photo, hasAlpha };
}

/** The longest side that a JPEG can have. libvips holds whole lines: 3,000,000 pixels wide ones took 1 GB. */
const SIDE_MAX = 65_535;

async function readMetadata(bytes: Uint8Array) {
  try {
    return await sharp(bytes, { failOn: "error", limitInputPixels: false }).metadata();
  } catch (cause) {
    throw new FruitstreamError("corrupt-image", `the photo's header can't be read: ${firstLine(cause)}`, { cause });
  }
}

/** The largest reduction by powers of two that keeps twice the size which the model's resize aims at. */
function reducedSize(photo: PixelSize, resized: PixelSize): PixelSize {
  return { width: reducedSide(photo.width, resized.width), height: reducedSide(photo.height, resized.height) };
}

function reducedSide(photoSide: number, resizedSide: number): number {
  let factor = 1;
  while (photoSide >= 2 * factor * 2 * resizedSide) factor *= 2;
  return Math.ceil(photoSide / factor);
}

/** The longest axis that is decoded from end to end. Panoramas are shorter once they are reduced. */
const WHOLE_SIDE_MAX = 4096;

/** What is to be decoded of a photo with a far axis; undefined for all others, which are decoded whole. */
function neededPart(input: InputGeometry, photo: PixelSize, reduced: PixelSize): Region | undefined {
  if (Math.max(reduced.width, reduced.height) <= WHOLE_SIDE_MAX) return undefined;
  const { horizontal, vertical } = resizeGeometry(input, photo, reduced);
  const [across, down] = [horizontal, vertical].map((axis) =>
    axis.sourceSize <= WHOLE_SIDE_MAX ? axis.part : sourceReach(axis),
  );
  return { left: across!.start, top: down!.start, width: across!.size, height: down!.size };
}

/**
 * The image at full size without alpha. libvips weighs colours by alpha when it reduces, which would blacken what is
 * transparent, while a photo small enough not to be reduced keeps its colours.
 */
async function withoutAlpha(image: Sharp): Promise<Sharp> {
  const { data, info } = await toRgb(image).toBuffer({ resolveWithObject: true });
  return sharp(data, { raw: { width: info.width, height: info.height, channels: 3 } });
}

function toRgb(image: Sharp): Sharp {
  return image.removeAlpha().toColourspace("srgb").raw({ depth: "uchar" });
}

/**
 * A copy that may move to another thread, which a buffer of libvips may not. sharp 0.35's `toUint8Array` makes the same
 * copy but never frees its original: 12,000 photos of 100 x 100 pixels left 400 MB behind.
 */
function transferable(data: Buffer): Uint8Array {
  return new Uint8Array(data);
}

function firstLine(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  return message.split("\n", 1)[0]!;
}
