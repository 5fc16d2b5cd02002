import { setTimeout as sleepMs } from "node:timers/promises";

/** Time as a port, so that tests move it by hand instead of sleeping. */
export interface Clock {
  /** Milliseconds since the Unix epoch. For what is written down: it jumps when somebody sets the machine's clock. */
  nowMs(): number;
  /** Resolves after the delay; rejects with the signal's reason when it aborts first. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

/** A clock that also tells how long something takes. */
export interface MonotonicClock extends Clock {
  /** Milliseconds since some moment of the process; they only ever go on, whatever the machine's clock is set to. */
  monotonicMs(): number;
}

export const systemClock: MonotonicClock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: async (delayMs, signal) => {
    try {
      await sleepMs(delayMs, undefined, signal ? { signal } : undefined);
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  },
};

const SET_BACK_LOOK_MS = 1_000;

/**
 * Tells, within a second, when the machine's clock was set back in one step, and by how much.
 *
 * @param stepMsMin smaller steps are passed over, such as those with which time services correct a clock.
 * @returns what ends the watch.
 */
export function watchForSetBack(
  clock: MonotonicClock,
  stepMsMin: number,
  onSetBack: (stepMs: number) => void,
): () => void {
  const aheadOfMonotonicMs = () => clock.nowMs() - clock.monotonicMs();
  let lastMs = aheadOfMonotonicMs();
  const timer = setInterval(() => {
    const stepMs = lastMs - aheadOfMonotonicMs();
    lastMs -= stepMs;
    if (stepMs >= stepMsMin) onSetBack(Math.round(stepMs));
  }, SET_BACK_LOOK_MS).unref();
  return () => clearInterval(timer);
}
