import type { DeadLetterMark, DeadLetterOutcome } from "#lib/messages/messages.ts";

/**
 * Which letters are settled, by their positions: two bits for each record of the topic, so that a million letters need a
 * quarter of a megabyte.
 */
export class SettledLetters {
  readonly #partitions = new Map<number, OffsetSet[]>();

  note({ letterPartition, letterOffset, outcome }: DeadLetterMark): void {
    const sets = this.#partitions.get(letterPartition) ?? OUTCOMES.map(() => new OffsetSet());
    this.#partitions.set(letterPartition, sets);
    sets[outcome === "retried" ? 0 : 1]!.add(letterOffset);
  }

  /** Undefined for a letter that is open. One that was retried and then dropped was retried. */
  outcomeOf(partition: number, offset: number): DeadLetterOutcome | undefined {
    const sets = this.#partitions.get(partition);
    return sets && OUTCOMES.find((_, index) => sets[index]!.has(offset));
  }
}

const OUTCOMES = ["retried", "dropped"] as const satisfies DeadLetterOutcome[];

/** A set of offsets as bits, in pieces that come into being where an offset is. */
class OffsetSet {
  readonly #pieces = new Map<number, Uint8Array>();

  add(offset: number): void {
    const index = Math.floor(offset / PIECE_BITS);
    const piece = this.#pieces.get(index) ?? new Uint8Array(PIECE_BITS / 8);
    this.#pieces.set(index, piece);
    const bit = offset % PIECE_BITS;
    piece[bit >> 3]! |= 1 << (bit & 7);
  }

  has(offset: number): boolean {
    const bit = offset % PIECE_BITS;
    const byte = this.#pieces.get(Math.floor(offset / PIECE_BITS))?.[bit >> 3] ?? 0;
    return (byte & (1 << (bit & 7))) !== 0;
  }
}

const PIECE_BITS = 8_192;
