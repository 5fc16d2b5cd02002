import { type AxisResize, resizeWeights } from "./resize-weights.ts";

/**
 * The weights of an axis without most of their zeros. The kept pixels are cut into `bands` of equal height, and each
 * band's product reaches only over the `reach` source pixels that it depends on.
 */
export interface ResizeBands {
  readonly bands: number;
  readonly reach: number;
  /** float32 [bands, targetSize / bands, reach]. */
  readonly weights: Float32Array;
  /** int32 [bands, reach]: the pixels of the part that each band reaches over, consecutive. */
  readonly pixels: Int32Array;
  readonly byteLength: number;
}

/** More bands save fewer operations each than handling them costs: 8 measured best from 100 to 448 source pixels. */
const BANDS_MAX = 8;

/** Cuts `resizeWeights`; the products are the same but for the order of their sums. O(targetSize · part.size). */
export function resizeBands(axis: AxisResize): ResizeBands {
  const { targetSize, part } = axis;
  const dense = resizeWeights(axis);
  const bands = largestDivisor(targetSize, BANDS_MAX);
  const height = targetSize / bands;
  const reaches = Array.from({ length: bands }, (_, band) =>
    reachOf(dense.subarray(band * height * part.size, (band + 1) * height * part.size), part.size),
  );
  const reach = Math.max(1, ...reaches.map(({ first, end }) => end - first));
  const weights = new Float32Array(targetSize * reach);
  const pixels = new Int32Array(bands * reach);
  for (const [band, { first }] of reaches.entries()) {
    const start = Math.min(first, part.size - reach);
    for (let index = 0; index < reach; index++) pixels[band * reach + index] = start + index;
    for (let row = band * height; row < (band + 1) * height; row++) {
      weights.set(dense.subarray(row * part.size + start, row * part.size + start + reach), row * reach);
    }
  }
  return { bands, reach, weights, pixels, byteLength: weights.byteLength + pixels.byteLength };
}

function largestDivisor(value: number, max: number): number {
  for (let divisor = max; divisor > 1; divisor--) if (value % divisor === 0) return divisor;
  return 1;
}

/** The columns first … end − 1 outside of which all rows are 0; none at all for rows of padding. */
function reachOf(rows: Float32Array, columns: number): { first: number; end: number } {
  let first = columns;
  let end = 0;
  for (const [index, weight] of rows.entries()) {
    if (weight === 0) continue;
    const column = index % columns;
    if (column < first) first = column;
    if (column >= end) end = column + 1;
  }
  return end === 0 ? { first: 0, end: 0 } : { first, end };
}
