/** Choices that follow from a seed alone, so that whatever draws them can be repeated. */
export class Random {
  #state: number;

  /** Of the seed only the lowest 32 bits count. */
  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** In [0, 1). Mulberry32: 32 bits of state, ample for drawing and for choosing victims, and no secret. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let bits = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A real number from `min` up to, but not including, `max`. */
  within(min: number, max: number): number {
    return min + (max - min) * this.next();
  }

  /** A whole number from `first` up to and including `last`. */
  between(first: number, last: number): number {
    return first + Math.floor(this.next() * (last - first + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.between(0, choices.length - 1)]!;
  }
}
