import type { PartitionWork, WorkHost } from "#lib/log/partition-work.ts";
import type { LogRecord, RecordConsumer } from "#lib/log/record-log.ts";
import { aborted } from "#lib/runtime/aborted.ts";
import { fateOf } from "#lib/runtime/errors.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import { metrics } from "#lib/runtime/metrics.ts";
import type { PhotoFeaturizer, PhotoOutcome } from "./featurize-photo.ts";
import type { ForgottenFollower } from "./forgotten-follower.ts";
import { type BudgetShare, InFlightBudget } from "./in-flight-budget.ts";
import { PartitionLane } from "./partition-lane.ts";
import { readPhotoRecord } from "./photo-record.ts";
import type { OutcomePublisher } from "./publish-outcomes.ts";

export interface FeaturizerWorkDeps {
  readonly consumer: Pick<RecordConsumer, "commit">;
  readonly photos: PhotoFeaturizer;
  readonly publisher: OutcomePublisher;
  /** Partitions of the features topic now. */
  readonly featuresPartitions: () => Promise<number | undefined>;
  readonly follow: ForgottenFollower;
  readonly logger: Logger;
}

export interface FeaturizerWorkOptions {
  /** Photos are read from these and from no other. */
  readonly buckets: ReadonlySet<string>;
  readonly inFlightPhotosMax: number;
  readonly inFlightBytesMax: number;
  readonly photoBytesMax: number;
}

interface OwnedPartition {
  readonly lane: PartitionLane<PhotoOutcome>;
  readonly share: BudgetShare;
  /** The group's committed offset; undefined when nobody has ever committed anything. */
  committed: number | undefined;
  /** The first offset that this work was given. */
  first: number | undefined;
}

/** A featurizer's share of one publication; a request holds some hundred vectors. */
const PUBLISH_RECORDS_MAX = 128;

/**
 * A featurizer's work on its partitions: photos are admitted as the budget allows and worked on at the same time; each
 * partition's outcomes are published in the order of its offsets, and its offset is committed last.
 */
export class FeaturizerWork implements PartitionWork {
  readonly starts: ReadonlyMap<number, number>;
  readonly #deps: FeaturizerWorkDeps;
  readonly #options: FeaturizerWorkOptions;
  readonly #host: WorkHost;
  /** What this work publishes by. */
  readonly #featuresPartitions: number;
  readonly #budget: InFlightBudget;
  readonly #owned: ReadonlyMap<number, OwnedPartition>;
  #isClosing = false;

  /**
   * @param starts the group's committed offsets of these partitions, below which everything is published.
   * @param featuresPartitions of the features topic, asked for since the assignment.
   */
  constructor(
    deps: FeaturizerWorkDeps,
    options: FeaturizerWorkOptions,
    host: WorkHost,
    partitions: readonly number[],
    starts: ReadonlyMap<number, number>,
    featuresPartitions: number,
  ) {
    this.#deps = deps;
    this.#options = options;
    this.#host = host;
    this.starts = starts;
    this.#featuresPartitions = featuresPartitions;
    this.#budget = new InFlightBudget({ photosMax: options.inFlightPhotosMax, bytesMax: options.inFlightBytesMax });
    this.#owned = new Map(partitions.map((partition) => [partition, this.#own(starts.get(partition))]));
  }

  async take(partition: number, records: readonly LogRecord[]): Promise<void> {
    const owned = this.#owned.get(partition)!;
    const { lane, share } = owned;
    owned.first ??= records[0]?.offset;
    for (const record of records) {
      const photo = readPhotoRecord(record, this.#options.buckets);
      await share.acquire(this.#budgetBytes(photo instanceof Error ? 0 : photo.sizeBytes));
      if (this.#isClosing) return;
      metrics.featurizerInFlightBytes.set(this.#budget.bytes);
      lane.submit(record.offset, this.#deps.photos.featurize(photo, record, lane.signal));
    }
  }

  async pass(partition: number, nextOffset: number): Promise<void> {
    const { lane, share } = this.#owned.get(partition)!;
    if ((lane.submittedOffset ?? this.position(partition)) >= nextOffset) return;
    await share.acquire(0);
    if (!this.#isClosing) lane.submit(nextOffset - 1, Promise.resolve({ sizeBytes: 0 }));
  }

  finish(partition: number, end: number): Promise<void> {
    return this.pass(partition, end);
  }

  position(partition: number): number {
    return this.#owned.get(partition)?.lane.nextOffset ?? this.starts.get(partition) ?? 0;
  }

  /**
   * Commits what was published since the last commit. A partition that nobody has committed is committed at its
   * beginning: without any commit the group asks the partition for its first offset at each join, and waits if it is away.
   *
   * Where partitions were added to the features topic meanwhile, nothing is committed: what was published since the last
   * commit may lie where nobody takes it any more, and is published again by the new number.
   */
  async tick(): Promise<void> {
    this.#deps.follow.look();
    const advanced = [...this.#owned].filter(([partition, { committed }]) => this.position(partition) !== committed);
    const offsets = advanced.map(([partition]) => ({ partition, offset: this.position(partition) }));
    if (offsets.length === 0) return;
    try {
      if ((await this.#deps.featuresPartitions()) !== this.#featuresPartitions) return await this.#beginAnew();
      await this.#deps.consumer.commit(offsets);
      for (const { partition, offset } of offsets) this.#owned.get(partition)!.committed = offset;
    } catch (error) {
      // The next commit makes it good; if there is none, the work since is repeated and dropped by the reducer.
      if (fateOf(error) !== "retry") throw error;
      const fields = { event: "offsets_not_committed", err: error };
      this.#deps.logger.debug(fields, "could not commit offsets; retrying with the next commit");
    }
  }

  /** What the group knows no offset of would go on from where this work is. */
  async #beginAnew(): Promise<void> {
    const unknown = [...this.#owned].flatMap(([partition, { committed, first }]) =>
      committed === undefined && first !== undefined ? [{ partition, offset: first }] : [],
    );
    if (unknown.length > 0) await this.#deps.consumer.commit(unknown);
    this.#host.fenced();
  }

  async close(how: "drain" | "drop"): Promise<void> {
    this.#isClosing = true;
    const lanes = [...this.#owned.values()].map(({ lane }) => lane);
    try {
      if (how === "drop") return;
      await Promise.race([Promise.all(lanes.map((lane) => lane.idle())), aborted(this.#host.givingUp)]);
      await this.tick();
    } finally {
      for (const lane of lanes) lane.abandon();
      this.#budget.dissolve();
    }
  }

  #own(committed: number | undefined): OwnedPartition {
    const share = this.#budget.share();
    const lane = new PartitionLane<PhotoOutcome>({
      publishRecordsMax: PUBLISH_RECORDS_MAX,
      onFailure: (error) => this.#host.failed(error),
      publish: async (outcomes, signal) => {
        await this.#deps.publisher.publish(outcomes, this.#featuresPartitions, signal);
        for (const { sizeBytes } of outcomes) share.release(this.#budgetBytes(sizeBytes));
        metrics.featurizerInFlightBytes.set(this.#budget.bytes);
      },
    });
    return { lane, share, committed, first: undefined };
  }

  /** Larger photos are never fetched. */
  #budgetBytes(sizeBytes: number): number {
    return Math.min(sizeBytes, this.#options.photoBytesMax);
  }
}
