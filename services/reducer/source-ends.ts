import { offsetMap } from "#lib/log/partition-offsets.ts";
import type { PartitionOffset } from "#lib/log/record-log.ts";
import type { SourcePosition } from "#lib/messages/messages.ts";
import type { MonotonicClock } from "#lib/runtime/clock.ts";
import { FruitstreamError, fateOf } from "#lib/runtime/errors.ts";
import type { Logger } from "#lib/runtime/logger.ts";

export interface SourceEndsDeps {
  /** The next offset of each partition of the topic of photos, as its brokers say now. */
  readonly ask: () => Promise<PartitionOffset[]>;
  readonly clock: MonotonicClock;
  readonly logger: Logger;
}

/** After no answer, vectors that follow closely are taken on trust for so long before it is asked again. */
const TRUST_MS = 60_000;
/** So far from the high-water mark: what a featurizer dead-letters in a row. */
const TRUSTED_JUMP_MAX = 1_000;

/**
 * Tells vectors that no photo can be the source of. A vector moves the high-water mark above its source offset, and what
 * lies below the mark is a repeat: one with a forged offset would have good vectors dropped in silence.
 *
 * The rule is exact: a photo's record is on its topic before its vector is, so the topic's end, asked for after the vector
 * was read, lies above its source offset. It is asked for only when a vector lies beyond the last answer.
 */
export class SourceEnds {
  readonly #deps: SourceEndsDeps;
  readonly #topic: string;
  #ends: ReadonlyMap<number, number> = new Map();
  #trustsUntilMs = Number.NEGATIVE_INFINITY;

  /** @param topic the only topic of photos whose vectors this reducer takes. */
  constructor(deps: SourceEndsDeps, topic: string) {
    this.#deps = deps;
    this.#topic = topic;
  }

  /** Whether the vector's photo is known to exist, so that nothing needs to be asked or said. */
  isKnown({ sourceTopic, sourcePartition, sourceOffset }: SourcePosition): boolean {
    return sourceTopic === this.#topic && sourceOffset < (this.#ends.get(sourcePartition) ?? 0);
  }

  hasPartition(partition: number): boolean {
    return this.#ends.has(partition);
  }

  /**
   * Why the vector is none of a photo; undefined when it may be one. Asks the topic unless `isKnown`.
   *
   * @param highWaterMark below it are the source offsets of this partition that the table has.
   * @throws what asking throws, when the vector lies too far beyond the mark to be taken on trust meanwhile.
   */
  async problemOf(position: SourcePosition, highWaterMark: number): Promise<FruitstreamError | undefined> {
    const { sourceTopic, sourceOffset } = position;
    if (sourceTopic !== this.#topic) {
      const problem = `the vector's photo is of topic "${sourceTopic}"; photos are announced on "${this.#topic}" here`;
      return new FruitstreamError("poison-message", problem);
    }
    if (this.isKnown(position)) return undefined;
    const isClose = sourceOffset - highWaterMark <= TRUSTED_JUMP_MAX;
    if (isClose && this.#deps.clock.monotonicMs() < this.#trustsUntilMs) return undefined;
    return this.#askAgain(position, isClose);
  }

  async #askAgain({ sourcePartition, sourceOffset }: SourcePosition, isClose: boolean) {
    const { ask, clock, logger } = this.#deps;
    try {
      this.#ends = offsetMap(await ask());
    } catch (error) {
      // Another partition of the topic may be away for long, which must not hold up the vectors of this one.
      if (!isClose || fateOf(error) !== "retry") throw error;
      this.#trustsUntilMs = clock.monotonicMs() + TRUST_MS;
      const fields = { event: "source_end_unknown", err: error };
      logger.warn(fields, `could not read the end of "${this.#topic}"; trusting vectors near the last ones`);
      return undefined;
    }
    const end = this.#ends.get(sourcePartition);
    if (end !== undefined && sourceOffset < end) return undefined;
    const has = end === undefined ? "which does not exist" : `whose end is ${end}`;
    const problem = `the vector's photo is offset ${sourceOffset} of partition ${sourcePartition} of "${this.#topic}", ${has}`;
    return new FruitstreamError("poison-message", problem);
  }
}
