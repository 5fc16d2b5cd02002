import type { ResizePolicy } from "./manifest.ts";
import type { AxisPart, AxisResize } from "./resize-weights.ts";

export interface PixelSize {
  readonly width: number;
  readonly height: number;
}

/** What the geometry of a model's input follows from. */
export interface InputGeometry extends PixelSize {
  readonly resize: ResizePolicy;
}

/**
 * The size that a whole upright photo is resized to before the model's centre crop or padding, if it has one. As in
 * torchvision's `Resize(shorterSide)` the longer side is rounded down; as in Pillow's `ImageOps.contain` the side that a
 * letterbox doesn't fill is rounded half to even.
 */
export function resizedPhotoSize(input: InputGeometry, photo: PixelSize): PixelSize {
  if (input.resize === "stretch") return { width: input.width, height: input.height };
  if ("letterbox" in input.resize) return containedSize(input, photo);
  const { shorterSide } = input.resize;
  return photo.width <= photo.height
    ? { width: shorterSide, height: Math.trunc((shorterSide * photo.height) / photo.width) }
    : { width: Math.trunc((shorterSide * photo.width) / photo.height), height: shorterSide };
}

/** The part of a photo that there are pixels of. */
export interface PhotoPart {
  readonly horizontal: AxisPart;
  readonly vertical: AxisPart;
}

/**
 * How each axis of a decoded photo becomes the model's. The geometry follows from the whole photo's size, not from that
 * of its decoded, perhaps reduced pixels, so that a reduced decode changes no crop.
 *
 * @param decoded the whole photo as decoded, perhaps reduced.
 * @param part the pixels of it that there are, all by default.
 */
export function resizeGeometry(
  input: InputGeometry,
  photo: PixelSize,
  decoded: PixelSize,
  part: PhotoPart = wholePhoto(decoded),
): { readonly horizontal: AxisResize; readonly vertical: AxisResize } {
  const resized = resizedPhotoSize(input, photo);
  return {
    horizontal: axis(decoded.width, resized.width, input.width, part.horizontal),
    vertical: axis(decoded.height, resized.height, input.height, part.vertical),
  };
}

function wholePhoto({ width, height }: PixelSize): PhotoPart {
  return { horizontal: { start: 0, size: width }, vertical: { start: 0, size: height } };
}

function containedSize({ width, height }: PixelSize, photo: PixelSize): PixelSize {
  return photo.width / photo.height > width / height
    ? { width, height: Math.max(roundHalfToEven((photo.height / photo.width) * width), 1) }
    : { width: Math.max(roundHalfToEven((photo.width / photo.height) * height), 1), height };
}

/** torchvision's `CenterCrop` and Pillow's `ImageOps.pad` both round the offset half to even; padding makes it negative. */
function axis(sourceSize: number, resizedSize: number, targetSize: number, part: AxisPart): AxisResize {
  const cropOffset = roundHalfToEven((resizedSize - targetSize) / 2);
  return { sourceSize, resizedSize, cropOffset, targetSize, part };
}

/** As Python's `round`. */
function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  const isTie = value - floor === 0.5;
  return isTie ? floor + (floor % 2 === 0 ? 0 : 1) : Math.round(value);
}
