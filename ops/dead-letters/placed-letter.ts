import { parsePartitionOffsets } from "#lib/log/partition-offsets.ts";
import type { PartitionOffset } from "#lib/log/record-log.ts";
import type { DeadLetter } from "#lib/messages/messages.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";

/** A letter, and where it lies on the topic of dead letters. */
export interface PlacedLetter extends PartitionOffset {
  readonly letter: DeadLetter;
}

/** A letter's position as text, as `0:17`. @throws usage when it is nothing of the kind. */
export function parseLetterPosition(text: string): PartitionOffset {
  const [position, ...others] = parsePartitionOffsets(text) ?? [];
  if (position && others.length === 0) return position;
  throw new FruitstreamError("usage", `a letter's position is partition:offset, as list shows it; got "${text}"`);
}
