import type { LogRecord } from "./record-log.ts";

/**
 * The work on the partitions of one assignment: opened when the group has assigned them, closed before the next is
 * opened. `GroupMember` calls it; a work knows nothing of rebalances, of schemas or of when reading ends.
 */
export interface PartitionWork {
  /**
   * Where reading begins, by partition. One that is missing begins at the group's committed offset, or at its oldest
   * record when there is none.
   */
  readonly starts: ReadonlyMap<number, number>;

  /**
   * Takes records of one partition: in the order of their offsets, none repeated, and none left out that the topic still
   * has. Calls for one partition follow one another, those for different partitions overlap. Not resolving is the
   * backpressure. Once the work is closed it takes nothing more of what it was given, and resolves.
   */
  take(partition: number, records: readonly LogRecord[]): Promise<void>;

  /**
   * The topic has nothing below this offset that was not given: what is missing are no records. Moves the position there,
   * once everything before is done.
   */
  pass(partition: number, nextOffset: number): Promise<void>;

  /**
   * Nothing more of the partition is to be done: what it has not been given below `end` is gone from the topic. Moves the
   * position there, and leaves nothing waiting for more records.
   */
  finish(partition: number, end: number): Promise<void>;

  /** The offset of the partition below which everything is done. */
  position(partition: number): number;

  /** Called from time to time: makes positions known to the group, or finishes what has been open for long enough. */
  tick(): Promise<void>;

  /**
   * From the call on nothing more is taken. `drain` finishes what was taken, until `WorkHost.givingUp` aborts; `drop`
   * leaves it to whoever reads the partitions next. Settles when nothing of this work can disturb the next one's, and
   * soon after `givingUp`.
   *
   * @throws what kept it from finishing, unless it may be left undone.
   */
  close(how: "drain" | "drop"): Promise<void>;
}

/** What a work may know of the member that has opened it, and tell it. */
export interface WorkHost {
  /** Aborts when the member begins to stop. */
  readonly stopping: AbortSignal;
  /** Aborts when a stop has waited long enough. */
  readonly givingUp: AbortSignal;
  /** Ends the member with this error. For what fails while nobody waits for it. */
  failed(error: unknown): void;
  /**
   * Another member has done some of these records. The work is then closed, dropping what it has, and one is opened anew
   * for the same partitions, which is the same as an assignment. Until then it must take nothing more.
   */
  fenced(): void;
}
