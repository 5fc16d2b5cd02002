import type { MonotonicClock } from "./clock.ts";

const LOOK_MS = 1_000;

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
  }, LOOK_MS).unref();
  return () => clearInterval(timer);
}
