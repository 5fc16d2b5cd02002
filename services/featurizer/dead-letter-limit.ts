import type { DeadLetter } from "#lib/messages/messages.ts";
import { type DeadLetterReason, FruitstreamError } from "#lib/runtime/errors.ts";

/**
 * Reasons that point at us: at a store or credentials that are not those the photos were announced with, or at the model.
 * Any other is in the photo or its record, which whoever may upload can send as many of as they like.
 */
const OURS: ReadonlySet<DeadLetterReason> = new Set(["not-found", "unreadable-object", "invalid-features"]);

/**
 * Stops a featurizer for which nearly everything fails for a reason of ours: then it is not the photos that are wrong, and
 * the topic must not drain into the dead letters. Looks at the latest outcomes, a fixed number of them; a dead letter for a
 * reason that a client can cause is none of them, however many there are.
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
  count(outcomes: readonly { readonly deadLetter?: Pick<DeadLetter, "reason" | "detail"> }[]): void {
    for (const { deadLetter } of outcomes) {
      if (deadLetter && !OURS.has(deadLetter.reason)) continue;
      this.#latest.push(deadLetter !== undefined);
      if (deadLetter) this.#deadLetters += 1;
      if (this.#latest.length > this.#outcomesMin && this.#latest.shift()) this.#deadLetters -= 1;
      if (this.#latest.length < this.#outcomesMin || this.#deadLetters <= this.#shareMax * this.#outcomesMin) continue;
      const failed = `${this.#deadLetters} of the latest ${this.#outcomesMin} photos failed`;
      const last = deadLetter ? `, the last one so: ${deadLetter.detail}` : "";
      const remedy = "mend the cause, or raise FEATURIZER_DEAD_LETTERS_PERCENT_MAX";
      throw new FruitstreamError("too-many-dead-letters", `${failed}${last}; ${remedy}`);
    }
  }
}
