import { type MonotonicClock, systemClock } from "#lib/runtime/clock.ts";

/** The system's clock, and how many sleeps on it are under way: each keeps a process from ending. */
export function countingClock(): MonotonicClock & { readonly sleeping: number } {
  let sleeping = 0;
  return {
    ...systemClock,
    get sleeping() {
      return sleeping;
    },
    sleep: async (delayMs, signal) => {
      sleeping += 1;
      try {
        await systemClock.sleep(delayMs, signal);
      } finally {
        sleeping -= 1;
      }
    },
  };
}
