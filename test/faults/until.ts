import { setTimeout as sleepMs } from "node:timers/promises";

const LOOK_MS = 50;

/**
 * Waits until the condition holds. The bound is far above what the wait takes on a busy machine: it only ends a test
 * that would hang.
 *
 * @param what completes the sentence "waited in vain until …".
 */
export async function until(what: string, condition: () => boolean | Promise<boolean>, msMax = 60_000): Promise<void> {
  const deadlineMs = Date.now() + msMax;
  while (!(await condition())) {
    if (Date.now() > deadlineMs) throw new Error(`waited in vain for ${msMax / 1_000} s until ${what}`);
    await sleepMs(LOOK_MS);
  }
}
