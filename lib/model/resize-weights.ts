/**
 * How one axis of a photo becomes one axis of a model's input: `sourceSize` pixels are resized to `resizedSize`, and
 * the `targetSize` of them that begin at `cropOffset` are kept. Where they reach beyond the resized pixels, as in a
 * letterbox, there is nothing but padding.
 */
export interface AxisResize {
  readonly sourceSize: number;
  readonly resizedSize: number;
  readonly cropOffset: number;
  readonly targetSize: number;
  /** The source pixels that there are, at least those that `sourceReach` gives; the whole axis as a rule. */
  readonly part: AxisPart;
}

/** `size` neighbouring pixels of an axis, from `start` on. */
export interface AxisPart {
  readonly start: number;
  readonly size: number;
}

/**
 * The weights of Pillow's `Image.resize(…, BICUBIC)` along one axis, shape [targetSize, part.size], row-major. Row i
 * gives the kept pixel i as a weighted mean of the source's pixels; it sums to 1, also at the edges. A row of padding
 * is all 0.
 *
 * Pixel i of the resized axis lies at c = (i + 1/2) s in the source, s = sourceSize / resizedSize. Source pixel j has
 * the weight k((j + 1/2 - c) / max(s, 1)), normalised over the row. When shrinking, the kernel is thus s times as wide,
 * which is what suppresses aliasing; beyond 2 max(s, 1) pixels from c it is 0.
 *
 * Source: Pillow's `precompute_coeffs`, https://github.com/python-pillow/Pillow/blob/main/src/libImaging/Resample.c.
 * Its 22-bit fixed point is left out: the weights differ from ours by less than 2.4e-7.
 *
 * O(targetSize · part.size) for the zeros, 4 · max(s, 1) + 1 kernel values a row.
 */
export function resizeWeights(axis: AxisResize): Float32Array {
  const { resizedSize, cropOffset, targetSize, part } = axis;
  const weights = new Float32Array(targetSize * part.size);
  const rowFirst = Math.max(-cropOffset, 0);
  const rowEnd = Math.min(resizedSize - cropOffset, targetSize);
  for (let row = rowFirst; row < rowEnd; row++) {
    const { centre, stretch, first, end } = kernelPlace(axis, row);
    const rowStart = row * part.size - part.start;
    let sum = 0;
    for (let pixel = first; pixel < end; pixel++) sum += bicubic((pixel + 0.5 - centre) / stretch);
    for (let pixel = first; pixel < end; pixel++) {
      weights[rowStart + pixel] = bicubic((pixel + 0.5 - centre) / stretch) / sum;
    }
  }
  return weights;
}

/** The source pixels that the kept ones depend on: targetSize · s + 4 · max(s, 1) + 1 at most. */
export function sourceReach(axis: Omit<AxisResize, "part">): AxisPart {
  const { first } = kernelPlace(axis, 0);
  const { end } = kernelPlace(axis, axis.targetSize - 1);
  return { start: first, size: end - first };
}

/** Where the kernel of a kept pixel lies: its centre, how much it is widened, and the pixels first … end − 1 under it. */
function kernelPlace({ sourceSize, resizedSize, cropOffset }: Omit<AxisResize, "part">, row: number) {
  const scale = sourceSize / resizedSize;
  const stretch = Math.max(scale, 1);
  const support = KERNEL_SUPPORT * stretch;
  const centre = (cropOffset + row + 0.5) * scale;
  const first = Math.max(Math.trunc(centre - support + 0.5), 0);
  const end = Math.min(Math.trunc(centre + support + 0.5), sourceSize);
  return { centre, stretch, first, end };
}

/** Half the width of the bicubic kernel, in pixels of the coarser grid. */
const KERNEL_SUPPORT = 2;

/** The sharpness of Keys' kernel that Pillow and torchvision use; OpenCV's is -0.75. */
const KEYS_A = -0.5;

/** Keys' cubic convolution kernel (IEEE Trans. ASSP 29, 1981): 1 at 0, and 0 at every other whole number. */
function bicubic(x: number): number {
  const t = Math.abs(x);
  if (t < 1) return ((KEYS_A + 2) * t - (KEYS_A + 3)) * t * t + 1;
  if (t < 2) return (((t - 5) * t + 8) * t - 4) * KEYS_A;
  return 0;
}
