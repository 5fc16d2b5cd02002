import type { Clock } from "#lib/runtime/clock.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { ObjectLocation } from "../object-store.ts";
import { s3StatusOf, withoutExchange } from "./s3-error.ts";

const ATTEMPTS_MAX = 8;
const WAIT_MS = 50;

/**
 * Sends a conditional put again, as long as the server answers 409: another write or delete of the key was under way, and
 * who won is known when it is asked again. Servers name their 409 as they like. Waits 1.4 s in all.
 *
 * @throws store-unavailable when the conflict does not end.
 */
export async function retryConflicts<T>(
  { bucket, key }: ObjectLocation,
  clock: Clock,
  signal: AbortSignal,
  put: () => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await put();
    } catch (error) {
      if (s3StatusOf(error) !== 409) throw error;
      if (attempt === ATTEMPTS_MAX) {
        const problem = `s3://${bucket}/${key} was answered 409 (conflict) ${ATTEMPTS_MAX} times`;
        const cause = withoutExchange(error as Error);
        throw new FruitstreamError("store-unavailable", `${problem}; others are writing to it`, { cause });
      }
      await clock.sleep(WAIT_MS * attempt, signal);
    }
  }
}
