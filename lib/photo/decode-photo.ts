import sharp, { type Sharp } from "sharp";
import { type InputGeometry, type PixelSize, resizedPhotoSize } from "#lib/model/resize-geometry.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { decodeBmp } from "./bmp-pixels.ts";
import { type CheckedPhoto, checkPhoto, type PhotoLimits } from "./check-photo.ts";
import type { BmpHeader } from "./header/bmp-header.ts";
import { latin1 } from "./header/bytes.ts";
import { type GifHeader, withoutTransparency } from "./header/gif-header.ts";
import type { HeifHeader } from "./header/heif-header.ts";
import type { PhotoHeader } from "./header/photo-header.ts";
import { decodeHeic } from "./heic-pixels.ts";
import { profileOfCodePoints } from "./icc-profile.ts";
import { type Orientation, swapsSides } from "./orientation.ts";
import { isPlainJpeg } from "./plain-jpeg.ts";
import { neededPart, reducedSize } from "./reduction.ts";
import { type RawPixels, tiffOf } from "./tiff-file.ts";
import { openTurboJpeg } from "./turbo-jpeg.ts";

/** A photo in memory, upright. */
export interface DecodedPhoto extends PixelSize {
  /** [height, width, 3], RGB. Its buffer may be transferred to another thread. */
  readonly pixels: Uint8Array;
  /** The upright photo's size as stored, before any reduction. */
  readonly photoWidth: number;
  readonly photoHeight: number;
  /** When the pixels are only a part of the decoded photo: its size, and where in it they begin. */
  readonly partOf?: PixelSize & { readonly left: number; readonly top: number };
}

/** The model's input: its geometry, and whether colours are converted to sRGB or taken as they are stored. */
interface DecodeInput extends InputGeometry {
  /** "srgb" when not given. */
  readonly colour?: "srgb" | "as-stored" | undefined;
}

export interface DecodeOptions {
  /** A photo is not decoded much larger than the model needs. */
  readonly input: DecodeInput;
  readonly limits?: PhotoLimits;
}

/**
 * Decodes a photo upright, by EXIF's or XMP's orientation or its container's turns, to 8-bit RGB, whatever it is stored
 * as: grey, CMYK, up to 16 bits, palette. Unless the model takes colours as stored, they are converted from the embedded ICC profile, or
 * from the code points that AVIF, HEIC and PNG may have instead, before 16 bits become 8. Of an animation it is the
 * first frame.
 *
 * Alpha is dropped, not blended with a background, as Pillow's `convert("RGB")` does: the networks were trained on
 * photos read that way, and any background would be a colour that we made up. A GIF shows its palette's colours.
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
 * libvips keeps one text of errors for all its threads: while photos are decoded side by side, a detail may be another
 * photo's. `GuardedDecoder` decodes what failed once more alone.
 *
 * @throws what `checkPhoto` throws; corrupt-image when the pixels can't be decoded.
 */
export async function decodePhoto(
  bytes: Uint8Array,
  options: DecodeOptions,
  checked: CheckedPhoto = checkPhoto(bytes, options.limits),
): Promise<DecodedPhoto> {
  const { size } = checked;
  const plain = isPlainJpeg(bytes.byteLength, checked, options.input) ? decodeJpeg(bytes) : undefined;
  if (plain) return { pixels: plain, ...size, photoWidth: size.width, photoHeight: size.height };
  try {
    return await decodePixels(await readableSource(bytes, checked.header, options), checked, options);
  } catch (cause) {
    if (cause instanceof FruitstreamError) throw cause;
    throw new FruitstreamError("corrupt-image", `the photo can't be decoded: ${explain(cause, checked)}`, { cause });
  }
}

/** libvips caches results of operations; no photo comes twice, so that would only be memory. */
sharp.cache(false);

/**
 * One thread per photo. The cores are filled by several photos at once and by inference; splitting one photo would add
 * switches and, with glibc's allocator, memory that is not given back.
 */
sharp.concurrency(1);

const decodeJpeg = await openTurboJpeg();

/** Bytes that libvips can read: the photo's own, or those of a TIFF around pixels that others have decoded. */
async function readableSource(bytes: Uint8Array, header: PhotoHeader, options: DecodeOptions): Promise<Uint8Array> {
  if (header.format === "gif") return withoutTransparency(bytes, header as GifHeader);
  if (header.format === "avif") return asStillImage(bytes);
  if (header.format === "bmp")
    return tiffOf(decodeBmp(bytes), isManaged(options) ? (header as BmpHeader).profile : undefined);
  if (header.format !== "heic") return bytes;
  const { profile, nclx } = header as HeifHeader;
  const managed = isManaged(options) ? (profile ?? (nclx && profileOfCodePoints(nclx))) : undefined;
  return tiffOf(await decodeHeic(bytes), managed);
}

/** libvips takes a file whose major brand is a sequence's for none of its own, though it has a still image too. */
function asStillImage(bytes: Uint8Array): Uint8Array {
  if (latin1(bytes, 8, 12) !== "avis") return bytes;
  const still = new Uint8Array(bytes);
  still.set(Buffer.from("avif"), 8);
  return still;
}

/**
 * Decodes in one pass through libvips; in two where we turn the photo or code points tell its colours, since libvips
 * takes notice of neither. The first pass then reduces, the second turns and converts.
 */
async function decodePixels(source: Uint8Array, checked: CheckedPhoto, options: DecodeOptions): Promise<DecodedPhoto> {
  const { header, turn, size } = checked;
  const reduced = reducedSize(size, resizedPhotoSize(options.input, size));
  const part = neededPart(options.input, size, reduced);
  const codePoints = header.format !== "heic" && isManaged(options) ? codePointsProfile(header) : undefined;
  const isEmbedded = isManaged(options) && (await keepsProfile(source, header));
  const hasProfile = isEmbedded || codePoints !== undefined;
  const turnAfter = turn.by === "us" ? turn.orientation : 1;

  let image = await openReduced(source, checked, reduced, { ...options, hasProfile: isEmbedded });
  if (codePoints) image = sharp(tiffOf(await storedSamples(image, header), codePoints));
  if (turnAfter !== 1) image = turned(await rawImage(toRgb(image, header, hasProfile)), turnAfter);
  if (part) image = (turnAfter === 1 ? image : await rawImage(image)).extract(part);
  const { data, info } = await toRgb(image, header, hasProfile).toBuffer({ resolveWithObject: true });
  if (!part) requireSize(info, reduced, size);
  const pixels = transferable(data);
  const decoded = { pixels, width: info.width, height: info.height, photoWidth: size.width, photoHeight: size.height };
  return part ? { ...decoded, partOf: { ...reduced, left: part.left, top: part.top } } : decoded;
}

/** The image at its reduced size; upright, but for a turn that is ours. */
async function openReduced(
  source: Uint8Array,
  { header, turn, size }: CheckedPhoto,
  reduced: PixelSize,
  { hasProfile, ...options }: DecodeOptions & { readonly hasProfile: boolean },
): Promise<Sharp> {
  const autoOrient = turn.by !== "us";
  // A PNG may have a profile that its code points go before.
  const ignoreIcc = !isManaged(options) || (header.format === "png" && !header.hasProfile);
  const image = sharp(source, { failOn: "error", limitInputPixels: false, ignoreIcc, autoOrient });
  const isReduced = reduced.width < size.width || reduced.height < size.height;
  const ground = header.format === "gif" ? await onGround(image, header as GifHeader) : image;
  if (!isReduced) return ground;
  const opaque = header.hasAlpha && header.format !== "gif" ? await withoutAlpha(ground, header, hasProfile) : ground;
  const swaps = !autoOrient && swapsSides(turn.orientation);
  return opaque.resize({ ...(swaps ? swapped(reduced) : reduced), fit: "fill" });
}

/** Whether libvips has the embedded profile too: libpng drops a broken one. Up to 8 bits it makes no difference. */
async function keepsProfile(source: Uint8Array, { hasProfile, bitsPerSample }: PhotoHeader): Promise<boolean> {
  if (!hasProfile || bitsPerSample <= 8) return hasProfile;
  const { icc } = await sharp(source, { limitInputPixels: false }).metadata();
  return icc !== undefined;
}

function isManaged({ input }: DecodeOptions): boolean {
  return input.colour !== "as-stored";
}

/** Our header and libvips must speak of the same picture, or the row would hold another one's size. */
function requireSize(decoded: PixelSize, expected: PixelSize, photo: PixelSize): void {
  if (decoded.width === expected.width && decoded.height === expected.height) return;
  const [said, is] = [photo, decoded].map(({ width, height }) => `${width} x ${height}`);
  throw new FruitstreamError(
    "corrupt-image",
    `the photo's header says ${said} pixels, but a picture of ${is} is in it`,
  );
}

function codePointsProfile({ nclx, hasProfile }: PhotoHeader): Uint8Array | undefined {
  return nclx && !hasProfile ? profileOfCodePoints(nclx) : undefined;
}

/** The image's samples in the colours that they are stored in, with 16 bits where it has more than 8. */
async function storedSamples(image: Sharp, { bitsPerSample }: PhotoHeader): Promise<RawPixels> {
  const isDeep = bitsPerSample > 8;
  const plain = image.removeAlpha().toColourspace(isDeep ? "rgb16" : "srgb");
  const { data, info } = await plain.raw({ depth: isDeep ? "ushort" : "uchar" }).toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  if (!isDeep) return { samples: data, width, height };
  return { samples: new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2), width, height };
}

/** An image of what another one has come to, so that later steps see its result and not its order of steps. */
async function rawImage(image: Sharp): Promise<Sharp> {
  const { data, info } = await image.raw({ depth: "uchar" }).toBuffer({ resolveWithObject: true });
  return sharp(data, { raw: { width: info.width, height: info.height, channels: info.channels } });
}

/** Mirrors come before turns in libvips' order of steps. */
function turned(image: Sharp, orientation: Orientation): Sharp {
  const { mirror, degrees } = TURNS[orientation];
  const mirrored = mirror === "across" ? image.flop() : mirror === "down" ? image.flip() : image;
  return degrees === 0 ? mirrored : mirrored.rotate(degrees);
}

const TURNS: Readonly<Record<Orientation, { mirror?: "across" | "down"; degrees: 0 | 90 | 180 | 270 }>> = {
  1: { degrees: 0 },
  2: { mirror: "across", degrees: 0 },
  3: { degrees: 180 },
  4: { mirror: "down", degrees: 0 },
  5: { mirror: "across", degrees: 270 },
  6: { degrees: 90 },
  7: { mirror: "across", degrees: 90 },
  8: { degrees: 270 },
};

/** Where a first frame leaves the canvas open, its palette's ground shows; libvips leaves black there. */
async function onGround(image: Sharp, { ground: [r, g, b], open, width, height }: GifHeader): Promise<Sharp> {
  if (!open) return image;
  const { left, top } = open;
  const frame = { left, top, width: width - left - open.right, height: height - top - open.bottom };
  const inside = await rawImage(image.removeAlpha().toColourspace("srgb").extract(frame));
  return rawImage(inside.extend({ ...open, background: { r, g, b } }));
}

function swapped({ width, height }: PixelSize): PixelSize {
  return { width: height, height: width };
}

/**
 * The image at full size without alpha. libvips weighs colours by alpha when it reduces, which would blacken what is
 * transparent, while a photo small enough not to be reduced keeps its colours.
 */
async function withoutAlpha(image: Sharp, header: PhotoHeader, hasProfile: boolean): Promise<Sharp> {
  return rawImage(toRgb(image, header, hasProfile));
}

/**
 * 8-bit RGB. sharp converts 16 bits with a profile to Display P3, to lose nothing on the way, and leaves it there unless
 * it is asked for sRGB's own profile; grey of 16 bits keeps its profile only once it has 8.
 */
function toRgb(image: Sharp, header: PhotoHeader, hasProfile = header.hasProfile): Sharp {
  const rgb = image.removeAlpha().toColourspace("srgb").raw({ depth: "uchar" });
  if (header.bitsPerSample <= 8 || !hasProfile) return rgb;
  return isGrey(header) ? rgb.pipelineColourspace("b-w") : rgb.withIccProfile("srgb");
}

/** PNG and TIFF count alpha among the samples, and never store chroma at another size. */
function isGrey({ format, samplesPerPixel }: PhotoHeader): boolean {
  return samplesPerPixel <= (format === "png" || format === "tiff" ? 2 : 1);
}

/**
 * A copy that may move to another thread, which a buffer of libvips may not. sharp 0.35's `toUint8Array` makes the same
 * copy but never frees its original: 12,000 photos of 100 x 100 pixels left 400 MB behind.
 */
function transferable(data: Buffer): Uint8Array {
  return new Uint8Array(data);
}

/** What libvips says of bytes that are missing. */
const CUT =
  /unexpected end of|premature end|read error at scanline|read error on strip|read error at row|read error at tile/i;

/** Why libvips failed, in words; a file that breaks off says so first. */
function explain(cause: unknown, { header }: CheckedPhoto): string {
  const message = (cause instanceof Error ? cause.message : String(cause)).split("\n", 1)[0]!.trim();
  const isVague = message === "" || /unknown error/i.test(message);
  const reason = isVague ? `its ${header.format.toUpperCase()} data makes no sense` : message;
  return header.isCut || CUT.test(reason) ? `the file ends too early (${reason})` : reason;
}
