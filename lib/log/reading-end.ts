import { offsetMap } from "./partition-offsets.ts";
import type { PartitionOffset } from "./record-log.ts";

/**
 * Where a service stops to read its topic: for each partition the first offset that it leaves alone. A partition that
 * is not named is not read at all.
 */
export class ReadingEnd {
  readonly #offsets: ReadonlyMap<number, number>;
  readonly #earliestOffsets: () => Promise<PartitionOffset[]>;

  /** @param earliestOffsets the oldest records that the topic still has: those before them will never be read. */
  constructor(offsets: readonly PartitionOffset[], earliestOffsets: () => Promise<PartitionOffset[]>) {
    this.#offsets = offsetMap(offsets);
    this.#earliestOffsets = earliestOffsets;
  }

  of(partition: number): number {
    return this.#offsets.get(partition) ?? 0;
  }

  /**
   * Whether every partition has come to its end.
   *
   * @param reached the next offset of a partition, below which everything is done; undefined where nothing was done yet.
   * @throws what asking for the earliest offsets throws.
   */
  async isReached(reached: (partition: number) => number | undefined): Promise<boolean> {
    const open = [...this.#offsets].filter(([partition, end]) => (reached(partition) ?? 0) < end);
    if (open.length === 0) return true;
    const earliest = offsetMap(await this.#earliestOffsets());
    return open.every(([partition, end]) => (earliest.get(partition) ?? 0) >= end);
  }
}
