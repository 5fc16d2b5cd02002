import { FruitstreamError, fateOf } from "#lib/runtime/errors.ts";
import { backoffMs, type RetryHooks } from "#lib/runtime/retry.ts";
import { RETRY_POLICY } from "./announce-photo.ts";
import { PhotoFault } from "./photo-fault.ts";

/** Failures of one object, at the least, before it is given up, however well the others fare. */
const ATTEMPTS_MIN = 6;
/** Failures that the store took others meanwhile, so that it was not out of reach. */
const WITNESSED_MIN = 3;
/** Failures of one object when there are no others, while the store answers in between: about ten seconds of them. */
const ATTEMPTS_ALONE = 8;

/**
 * Steps on single objects of one store, repeated for as long as the store may be at fault, and not longer. S3 reports
 * faults of an object as failures of its own: S3Proxy answers 500 to a name that its disk can't hold, and would do so for
 * ever. What fails again and again while the store takes others is that object's fault; so is what fails when it is
 * alone, while the store answers a probe. A store that answers nobody is waited for without an end.
 */
export class ObjectAttempts {
  readonly #probe: () => Promise<unknown>;
  readonly #hooks: RetryHooks;
  #taken = 0;

  /** @param probe resolves when the store answers. */
  constructor(probe: () => Promise<unknown>, hooks: RetryHooks) {
    this.#probe = probe;
    this.#hooks = hooks;
  }

  /**
   * @param subject the object's address, for the message.
   * @throws PhotoFault when it is the object's fault; what the step throws and can't pass; the signal's reason.
   */
  async run<Result>(subject: string, step: () => Promise<Result>): Promise<Result> {
    let witnessed = 0;
    for (let attempt = 1; ; attempt += 1) {
      this.#hooks.signal.throwIfAborted();
      const takenBefore = this.#taken;
      try {
        const result = await step();
        this.#taken += 1;
        return result;
      } catch (error) {
        this.#hooks.signal.throwIfAborted();
        if (!mayPass(error)) throw error;
        const delayMs = backoffMs(RETRY_POLICY, attempt, this.#hooks.random ?? Math.random);
        this.#hooks.onRetry(error, attempt, delayMs);
        await this.#hooks.clock.sleep(delayMs, this.#hooks.signal);
        if (this.#taken > takenBefore) witnessed += 1;
        if (attempt >= ATTEMPTS_MIN && (witnessed >= WITNESSED_MIN || (await this.#isAlone(attempt)))) {
          const problem = `given up after ${attempt} attempts, since only this one fails: ${(error as Error).message}`;
          throw new PhotoFault(subject, problem, { cause: error });
        }
      }
    }
  }

  /** @throws what the probe fails with and can't pass: then no object is to blame. */
  async #isAlone(attempt: number): Promise<boolean> {
    if (attempt < ATTEMPTS_ALONE) return false;
    try {
      await this.#probe();
      return true;
    } catch (error) {
      if (fateOf(error) !== "retry") throw error;
      return false;
    }
  }
}

/** A request that is refused as wrong (400) may be the object's fault too: what is wrong with all shows in the probe. */
function mayPass(error: unknown): boolean {
  return fateOf(error) === "retry" || (error instanceof FruitstreamError && error.code === "invalid-config");
}
