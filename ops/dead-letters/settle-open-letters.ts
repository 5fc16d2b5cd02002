import { systemClock } from "#lib/runtime/clock.ts";
import type { MessageAccess } from "#ops/pipeline/pipeline-access.ts";
import type { LetterTest } from "./letter-filter.ts";
import type { PlacedLetter } from "./placed-letter.ts";
import { readLetters } from "./read-letters.ts";
import { LetterSettler } from "./settle-letters.ts";

/** Told of each letter once it is settled; or, with the reason, that it is left open. */
export type OnSettled = (letter: PlacedLetter, refusal: string | undefined) => void;

/**
 * Retries or drops every open letter that the test admits, one after the other.
 *
 * @throws the signal's reason, after the letter in hand.
 */
export async function settleOpenLetters(
  access: MessageAccess,
  action: "retry" | "drop",
  admits: LetterTest,
  signal: AbortSignal,
  onSettled: OnSettled,
): Promise<void> {
  await access.schemas.publish(access.producer);
  const settler = new LetterSettler(access.producer, access.topics, systemClock);
  await readLetters(access, async (placed, outcome) => {
    if (outcome || !admits(placed)) return;
    signal.throwIfAborted();
    const refusal = action === "retry" ? await settler.retry(placed) : await settler.drop(placed);
    onSettled(placed, refusal ?? undefined);
  });
}
