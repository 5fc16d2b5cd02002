import type { Clock } from "./clock.ts";

/**
 * Waits until work has settled, for so long at most. No timer is left behind, which would keep a process from ending by
 * itself.
 *
 * @returns whether the work settled in time.
 * @throws what the work throws in time; what it throws later is nobody's.
 */
export async function waitWithin(clock: Clock, delayMs: number, work: Promise<unknown>): Promise<boolean> {
  const settled = new AbortController();
  const late = clock.sleep(delayMs, settled.signal).then(
    () => false,
    () => true,
  );
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    settled.abort();
  }
}
