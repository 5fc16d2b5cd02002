import type { Clock } from "#lib/runtime/clock.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";

export interface CountedWait {
  /** For the error: "pipeline-1: 40 of 100 `what`". */
  readonly where: string;
  readonly what: string;
  readonly target: number;
  readonly look: () => Promise<number>;
  /** Between two looks; rejects when there is nothing to wait for any more. */
  readonly pause: () => Promise<void>;
  /** Asked every second whether something has gone wrong: rejects then. */
  readonly check: () => Promise<void>;
  /** What whoever finds it standing still should look at. */
  readonly seeAlso: () => string;
}

/** Nothing at all has happened for so long: it never will. */
export const STALL_MS_MAX = 60_000;
const CHECK_MS = 1_000;

/**
 * Waits until a count has reached its target, for as long as it goes on growing.
 *
 * @returns the count, which may be beyond the target, and when it was taken (ms since the epoch).
 * @throws stack-unavailable when it stands still for STALL_MS_MAX; what `look`, `pause` and `check` throw.
 */
export async function untilCounted(clock: Clock, wait: CountedWait): Promise<{ count: number; atMs: number }> {
  let before = -1;
  let movedAtMs = clock.nowMs();
  let checkedAtMs = movedAtMs;
  for (;;) {
    const count = await wait.look();
    const atMs = clock.nowMs();
    if (count >= wait.target) return { count, atMs };
    if (count > before) movedAtMs = atMs;
    before = count;
    if (atMs - movedAtMs > STALL_MS_MAX) throw stalled(wait, count);
    if (atMs - checkedAtMs >= CHECK_MS) {
      await wait.check();
      checkedAtMs = atMs;
    }
    await wait.pause();
  }
}

function stalled({ where, what, target, seeAlso }: CountedWait, count: number): FruitstreamError {
  const problem = `${where}: ${count} of ${target} ${what}, and nothing has moved for ${STALL_MS_MAX / 1_000} s`;
  return new FruitstreamError("stack-unavailable", `${problem}; see ${seeAlso()}`);
}
