import assert from "node:assert/strict";

/**
 * Memory that work takes in turns: whoever asks waits until what is taken and what it asks for fit together, first come,
 * first served, so that a large piece of work is never passed by for ever.
 */
export class ByteBudget {
  readonly #bytesMax: number;
  readonly #waiting: { readonly bytes: number; readonly start: () => void }[] = [];
  #taken = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get takenBytes(): number {
    return this.#taken;
  }

  /** Does the work once `bytes` are free, and gives them back afterwards. More than the whole budget counts as all of it. */
  async with<Result>(bytes: number, work: () => Promise<Result>): Promise<Result> {
    const share = Math.min(bytes, this.#bytesMax);
    await new Promise<void>((start) => {
      this.#waiting.push({ bytes: share, start });
      this.#admit();
    });
    try {
      return await work();
    } finally {
      this.#taken -= share;
      assert.ok(this.#taken >= 0, "more memory was given back than was taken");
      this.#admit();
    }
  }

  #admit(): void {
    for (let next = this.#waiting[0]; next && this.#taken + next.bytes <= this.#bytesMax; next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#taken += next.bytes;
      next.start();
    }
  }
}
