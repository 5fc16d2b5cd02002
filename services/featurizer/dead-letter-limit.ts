import { FruitstreamError } from "#lib/runtime/errors.ts";

/**
 * Stops a featurizer for which nearly everything fails: then it is not the photos that are wrong, and the topic must not
 * drain into the dead letters. Looks at the latest outcomes, a fixed number of them.
 */
export class DeadLetterLimit {
  readonly #outcomesMin: number;
  readonly #shareMax: number;
  readonly #latest: boolean[] = [];
  #deadLetters = 0;

  /**
   * @param outcomesMin how many of the latest outcomes are looked at; with fewer the limit is never reached.
   * @param shareMax the share of dead letters among them that is still taken for bad photos, 0 to 1.
   */
  constructor(outcomesMin: number, shareMax: number) {
    this.#outcomesMin = outcomesMin;
    this.#shareMax = shareMax;
  }

  /**
   * Counts outcomes that are about to be published.
   *
   * @throws too-many-dead-letters when more than the share of the latest ones are dead letters.
   */
  count(outcomes: readonly { readonly isDeadLetter: boolean; readonly detail: string }[]): void {
    for (const { isDeadLetter, detail } of outcomes) {
      this.#latest.push(isDeadLetter);
      if (isDeadLetter) this.#deadLetters += 1;
      if (this.#latest.length > this.#outcomesMin && this.#latest.shift()) this.#deadLetters -= 1;
      if (this.#latest.length < this.#outcomesMin || this.#deadLetters <= this.#shareMax * this.#outcomesMin) continue;
      const message = `${this.#deadLetters} of the latest ${this.#outcomesMin} photos failed, the last one so: ${detail}; mend the cause, or raise FEATURIZER_DEAD_LETTERS_PERCENT_MAX`;
      throw new FruitstreamError("too-many-dead-letters", message);
    }
  }
}
