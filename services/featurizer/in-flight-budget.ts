/**
 * The backpressure of the featurizer: photos are admitted while both their number and their bytes stay within bounds,
 * and wait in the order of their arrival otherwise. A photo that is larger than the whole budget is admitted alone.
 */
export class InFlightBudget {
  readonly #photosMax: number;
  readonly #bytesMax: number;
  readonly #waiting: { bytes: number; admit: () => void }[] = [];
  #photos = 0;
  #bytes = 0;

  constructor(bounds: { photosMax: number; bytesMax: number }) {
    this.#photosMax = bounds.photosMax;
    this.#bytesMax = bounds.bytesMax;
  }

  /** Bytes admitted and not released. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Resolves once the photo is admitted. Every admission is matched by one `release` of the same bytes. */
  async acquire(bytes: number): Promise<void> {
    if (this.#waiting.length === 0 && this.#fits(bytes)) return this.#admit(bytes);
    await new Promise<void>((admit) => this.#waiting.push({ bytes, admit }));
  }

  release(bytes: number): void {
    this.#photos -= 1;
    this.#bytes -= bytes;
    for (let next = this.#waiting[0]; next && this.#fits(next.bytes); next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#admit(next.bytes);
      next.admit();
    }
  }

  /** Admits everyone who waits: their partitions were reassigned, and they will find that their lane is abandoned. */
  dissolve(): void {
    for (const { bytes, admit } of this.#waiting.splice(0)) {
      this.#admit(bytes);
      admit();
    }
  }

  #fits(bytes: number): boolean {
    return this.#photos === 0 || (this.#photos < this.#photosMax && this.#bytes + bytes <= this.#bytesMax);
  }

  #admit(bytes: number): void {
    this.#photos += 1;
    this.#bytes += bytes;
  }
}
