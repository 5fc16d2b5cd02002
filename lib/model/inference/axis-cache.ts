import type { AxisResize } from "../resize-weights.ts";

/**
 * Keeps the weights of the axes used last, since a data set has few sizes and they come again and again. Holds at most
 * `bytesMax` bytes, or the weights of the one axis that has more.
 */
export class AxisCache<Weights extends { readonly byteLength: number }> {
  readonly #compute: (axis: AxisResize) => Weights;
  readonly #bytesMax: number;
  readonly #byAxis = new Map<string, Weights>();
  #bytes = 0;

  constructor(compute: (axis: AxisResize) => Weights, bytesMax: number) {
    this.#compute = compute;
    this.#bytesMax = bytesMax;
  }

  /** The weights of an axis. Shared: not to be written to. */
  get(axis: AxisResize): Weights {
    const { sourceSize, resizedSize, cropOffset, targetSize, part } = axis;
    const key = `${sourceSize} ${resizedSize} ${cropOffset} ${targetSize} ${part.start} ${part.size}`;
    const known = this.#byAxis.get(key);
    const weights = known ?? this.#compute(axis);
    this.#byAxis.delete(key);
    this.#byAxis.set(key, weights);
    if (known === undefined) {
      this.#bytes += weights.byteLength;
      this.#evict();
    }
    return weights;
  }

  /** A Map iterates in the order of insertion, so the weights used longest ago comes first. */
  #evict(): void {
    for (const [key, weights] of this.#byAxis) {
      if (this.#bytes <= this.#bytesMax || this.#byAxis.size === 1) return;
      this.#byAxis.delete(key);
      this.#bytes -= weights.byteLength;
    }
  }
}
