import { type Clock, systemClock } from "./clock.ts";
import { fateOf } from "./errors.ts";

export interface RetryPolicy {
  /** Upper bound of the first delay. */
  readonly delayMsFirst: number;
  /** Upper bound of every delay. */
  readonly delayMsMax: number;
}

export interface RetryHooks {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Told of each failure that will be tried again. */
  readonly onRetry: (error: unknown, attempt: number, delayMs: number) => void;
  /** A number in [0, 1); replaced in tests. */
  readonly random?: () => number;
}

/**
 * Runs a step again and again while its failure's fate is `retry`: a server that is down for ten minutes costs ten
 * minutes, never data. The delay doubles and is drawn uniformly below its bound ("full jitter", Brooker 2015, AWS
 * Architecture Blog), so that many clients don't return at the same moment.
 *
 * @throws the step's first error of another fate, or the signal's reason.
 */
export async function retrying<Result>(
  policy: RetryPolicy,
  hooks: RetryHooks,
  step: () => Promise<Result>,
): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    hooks.signal.throwIfAborted();
    try {
      return await step();
    } catch (error) {
      hooks.signal.throwIfAborted();
      if (fateOf(error) !== "retry") throw error;
      const delayMs = backoffMs(policy, attempt, hooks.random ?? Math.random);
      hooks.onRetry(error, attempt, delayMs);
      await hooks.clock.sleep(delayMs, hooks.signal);
    }
  }
}

/**
 * Runs a step as `retrying` does, but for a bounded time: for commands and start-up, where somebody waits for an answer.
 *
 * @throws the step's last error when the time is over.
 */
export async function retryWithin<Result>(durationMsMax: number, step: () => Promise<Result>): Promise<Result> {
  const signal = AbortSignal.timeout(durationMsMax);
  let lastError: unknown;
  const onRetry = (error: unknown) => {
    lastError = error;
  };
  try {
    return await retrying({ delayMsFirst: 100, delayMsMax: 1_000 }, { clock: systemClock, signal, onRetry }, step);
  } catch (error) {
    throw signal.aborted && lastError ? lastError : error;
  }
}

/** The delay before the attempt after this one, in milliseconds. */
export function backoffMs(policy: RetryPolicy, attempt: number, random: () => number): number {
  const bound = Math.min(policy.delayMsMax, policy.delayMsFirst * 2 ** Math.min(attempt - 1, 30));
  return Math.round(bound * random());
}
