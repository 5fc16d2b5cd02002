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
 * The size that a whole upright photo is resized to before the model's centre crop, if it has one. As in torchvision's
 * `Resize(shorterSide)` the longer side is rounded down.
 */
export function resizedPhotoSize(input: InputGeometry, photo: PixelSize): PixelSize {
  if (input.resize === "stretch") return { width: input.width, height: input.height };
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

/** torchvision's `CenterCrop` rounds the offset half to even, as Python does. */
function axis(sourceSize: number, resizedSize: number, targetSize: number, part: AxisPart): AxisResize {
  const margin = resizedSize - targetSize;
  const cropOffset = margin % 4 === 1 ? (margin - 1) / 2 : Math.round(margin / 2);
  return { sourceSize, resizedSize, cropOffset, targetSize, part };
}
