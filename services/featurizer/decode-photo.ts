import sharp, { type Sharp } from "sharp";
import { sniffPhotoFormat } from "../../lib/contract/photo-format.ts";
import { type InputGeometry, type PixelSize, resizedPhotoSize } from "../../lib/model/resize-geometry.ts";
import { FruitstreamError } from "../../lib/runtime/errors.ts";

/** A photo in memory, upright. */
export interface DecodedPhoto extends PixelSize {
  /** [height, width, 3], RGB in sRGB. Its buffer may be transferred to another thread. */
  readonly pixels: Uint8Array;
  /** The upright photo's size as stored, before any reduction. */
  readonly photoWidth: number;
  readonly photoHeight: number;
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
 * @throws unsupported-format when the bytes begin like none of the formats we read; corrupt-image when they are empty,
 * truncated or can't be decoded; pixel-limit.
 */
export async function decodePhoto(bytes: Uint8Array, { input, pixelsMax }: DecodeOptions): Promise<DecodedPhoto> {
  checkFormat(bytes);
  const { photo, hasAlpha } = await readHeader(bytes, pixelsMax);
  const reduced = reducedSize(photo, resizedPhotoSize(input, photo));
  const reduces = reduced.width < photo.width || reduced.height < photo.height;
  try {
    let image = sharp(bytes, { failOn: "error", limitInputPixels: pixelsMax, autoOrient: true });
    if (reduces && hasAlpha) image = await withoutAlpha(image);
    if (reduces) image = image.resize({ ...reduced, fit: "fill" });
    const { data, info } = await toRgb(image).toBuffer({ resolveWithObject: true });
    const { width, height } = info;
    return { pixels: transferable(data), width, height, photoWidth: photo.width, photoHeight: photo.height };
  } catch (cause) {
    throw new FruitstreamError("corrupt-image", `the photo can't be decoded: ${firstLine(cause)}`, { cause });
  }
}

/** libvips caches results of operations; no photo comes twice, so that would only be memory. */
sharp.cache(false);

/**
 * One thread per photo. The cores are filled by several photos at once and by inference; splitting one photo would add
 * switches and, with glibc's allocator, memory that is not given back.
 */
sharp.concurrency(1);

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
  const pixels = photo.width * photo.height;
  if (pixels <= pixelsMax) return { photo, hasAlpha };
  throw new FruitstreamError(
    "pixel-limit",
    `the photo has ${photo.width} x ${photo.height} = ${pixels} pixels, more than the limit of ${pixelsMax}`,
  );
}

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
