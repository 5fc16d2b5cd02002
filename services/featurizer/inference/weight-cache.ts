import { type AxisResize, resizeWeights } from "../../../lib/model/resize-weights.ts";

/**
 * Keeps the weight matrices of the sizes used last, since a data set has few sizes and they come again and again.
 * Holds at most `bytesMax` bytes, or the one matrix that is larger.
 */
export class WeightCache {
  readonly #bytesMax: number;
  readonly #byAxis = new Map<string, Float32Array>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** The weights of an axis, shape [targetSize, part.size]. Shared: not to be written to. */
  get(axis: AxisResize): Float32Array {
    const { sourceSize, resizedSize, cropOffset, targetSize, part } = axis;
    const key = `${sourceSize} ${resizedSize} ${cropOffset} ${targetSize} ${part.start} ${part.size}`;
    const known = this.#byAxis.get(key);
    const weights = known ?? resizeWeights(axis);
    this.#byAxis.delete(key);
    this.#byAxis.set(key, weights);
    if (known === undefined) {
      this.#bytes += weights.byteLength;
      this.#evict();
    }
    return weights;
  }

  /** A Map iterates in the order of insertion, so the matrix used longest ago comes first. */
  #evict(): void {
    for (const [key, weights] of this.#byAxis) {
      if (this.#bytes <= this.#bytesMax || this.#byAxis.size === 1) return;
      this.#byAxis.delete(key);
      this.#bytes -= weights.byteLength;
    }
  }
}
