import { type Clock, systemClock } from "#lib/runtime/clock.ts";

/** Within two seconds of silence a person wants to know what is waited for. */
export const WAIT_UNTOLD_MS_MAX = 1_500;

/**
 * Waits for work, and tells once what is waited for when it takes long.
 *
 * @param what as "Kafka at 127.0.0.1:9092".
 * @throws what the work throws.
 */
export async function tellingWait<Result>(
  what: string,
  note: (line: string) => void,
  work: () => Promise<Result>,
  clock: Clock = systemClock,
): Promise<Result> {
  const ended = new AbortController();
  const telling = clock.sleep(WAIT_UNTOLD_MS_MAX, ended.signal).then(
    () => note(`waiting for ${what} …`),
    () => undefined,
  );
  try {
    return await work();
  } finally {
    ended.abort();
    await telling;
  }
}
