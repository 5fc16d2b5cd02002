import type { LogRecord, PartitionOffset } from "../record-log.ts";

/**
 * What is left of a topic that is read once, from a start to an end in each partition. Offsets are those of the next
 * record: a partition is done when nothing below its end can come any more, whether its last record was among what was
 * read, was compacted away, or is the marker of a transaction.
 */
export class ReadingSpan {
  readonly #ends: ReadonlyMap<number, number>;
  readonly #next: Map<number, number>;

  /**
   * @param ends by partition, the first offset that is not read. Partitions that are missing are not read at all.
   * @param starts by partition, the first offset that is read; 0 where it is missing.
   */
  constructor(starts: ReadonlyMap<number, number>, ends: ReadonlyMap<number, number>) {
    this.#ends = ends;
    // A start past the end would be out of the topic's range, and a broker answers that with the oldest record.
    this.#next = new Map([...ends].map(([partition, end]) => [partition, Math.min(starts.get(partition) ?? 0, end)]));
  }

  /** Whether the record is the next to be handled: not one that was handled already, nor one past the end. */
  isDue({ partition, offset }: Pick<LogRecord, "partition" | "offset">): boolean {
    const end = this.#ends.get(partition);
    return end !== undefined && offset >= this.#next.get(partition)! && offset < end;
  }

  /** Notes that everything of the partition below this offset is handled or does not exist. Never moves back. */
  moveTo(partition: number, nextOffset: number): void {
    const next = this.#next.get(partition);
    if (next !== undefined && nextOffset > next) this.#next.set(partition, nextOffset);
  }

  get isDone(): boolean {
    return this.open.length === 0;
  }

  /** The partitions that are not done, with their next offsets. */
  get open(): PartitionOffset[] {
    return [...this.#next]
      .filter(([partition, next]) => next < this.#ends.get(partition)!)
      .map(([partition, offset]) => ({ partition, offset }));
  }

  /** By partition, where to read on after an interruption. */
  get next(): ReadonlyMap<number, number> {
    return this.#next;
  }
}
