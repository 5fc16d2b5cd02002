import { type InputGeometry, type PixelSize, resizedPhotoSize, resizeGeometry } from "#lib/model/resize-geometry.ts";
import { sourceReach } from "#lib/model/resize-weights.ts";

/** A rectangle of a photo, in pixels. */
export interface Part extends PixelSize {
  readonly left: number;
  readonly top: number;
}

/** Whether a photo is neither reduced nor cut while it is decoded. */
export function staysWhole(photo: PixelSize, input: InputGeometry): boolean {
  const { width, height } = reducedSize(photo, resizedPhotoSize(input, photo));
  return width === photo.width && height === photo.height && Math.max(width, height) <= WHOLE_SIDE_MAX;
}

/** The largest reduction by powers of two that keeps twice the size which the model's resize aims at. */
export function reducedSize(photo: PixelSize, resized: PixelSize): PixelSize {
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
export function neededPart(input: InputGeometry, photo: PixelSize, reduced: PixelSize): Part | undefined {
  if (Math.max(reduced.width, reduced.height) <= WHOLE_SIDE_MAX) return undefined;
  const { horizontal, vertical } = resizeGeometry(input, photo, reduced);
  const [across, down] = [horizontal, vertical].map((axis) =>
    axis.sourceSize <= WHOLE_SIDE_MAX ? axis.part : sourceReach(axis),
  );
  return { left: across!.start, top: down!.start, width: across!.size, height: down!.size };
}
