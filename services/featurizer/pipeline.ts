import pLimit, { type LimitFunction } from "p-limit";
import { offsetMap } from "#lib/log/partition-offsets.ts";
import type { ReadingEnd } from "#lib/log/reading-end.ts";
import type { LogRecord, NewRecord, PartitionOffset, RecordConsumer, RecordProducer } from "#lib/log/record-log.ts";
import { deadLetterCodec, photoFeaturesCodec } from "#lib/messages/avro/avro-codec.ts";
import type { SchemaTopic } from "#lib/messages/avro/schema-topic.ts";
import { deadLetterOf } from "#lib/messages/dead-letter.ts";
import type { DeadLetter, PhotoArrived, PhotoFeatures } from "#lib/messages/messages.ts";
import type { Topics } from "#lib/messages/topics.ts";
import type { PhotoVector } from "#lib/model/inference/photo-model.ts";
import type { DecodedPhoto } from "#lib/photo/decode-photo.ts";
import { photoUri } from "#lib/photo/photo-uri.ts";
import type { Clock } from "#lib/runtime/clock.ts";
import { fateOf } from "#lib/runtime/errors.ts";
import type { Health } from "#lib/runtime/health.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import { metrics } from "#lib/runtime/metrics.ts";
import { waitWithin } from "#lib/runtime/wait-within.ts";
import { WaitingRetry } from "#lib/runtime/waiting-retry.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import { DeadLetterLimit } from "./dead-letter-limit.ts";
import { fetchPhoto } from "./fetch-photo.ts";
import { type BudgetShare, InFlightBudget } from "./in-flight-budget.ts";
import { PartitionLane } from "./partition-lane.ts";
import { readPhotoRecord } from "./photo-record.ts";

export interface FeaturizerParts {
  readonly consumer: RecordConsumer;
  /** The group's committed next offsets on the photos topic. */
  readonly committedOffsets: () => Promise<PartitionOffset[]>;
  readonly producer: RecordProducer;
  /** Told of records before they are decoded. */
  readonly schemas: Pick<SchemaTopic, "learn">;
  readonly store: ObjectStore;
  readonly decode: (photo: Uint8Array) => Promise<DecodedPhoto>;
  readonly infer: (photo: DecodedPhoto, signal: AbortSignal) => Promise<PhotoVector>;
  readonly clock: Clock;
  readonly health: Health;
  readonly logger: Logger;
}

export interface FeaturizerSettings {
  readonly topics: Topics;
  /** Partitions of the features topic. Must not change while a run goes on, or a partition's order would be lost. */
  readonly featuresPartitions: number;
  readonly run: string;
  /** Where the group's reading ends; undefined reads for ever. */
  readonly end?: ReadingEnd | undefined;
  /** Name and content hash of the model. */
  readonly model: string;
  readonly inFlightPhotosMax: number;
  readonly inFlightBytesMax: number;
  readonly photoBytesMax: number;
  readonly fetchesMax: number;
  readonly decodesMax: number;
  readonly commitMs: number;
  /** With a larger share of dead letters among the latest photos the pipeline stops; 0 to 1. */
  readonly deadLetterShareMax: number;
}

/** What became of one photo, with the bytes that it holds of the budget; neither where there was no record at all. */
interface Outcome {
  readonly budgetBytes: number;
  readonly features?: PhotoFeatures;
  readonly deadLetter?: DeadLetter;
}

/** Everything that belongs to one assignment of partitions, and is dropped as a whole by the next. */
interface Assignment {
  readonly lanes: ReadonlyMap<number, PartitionLane<Outcome>>;
  /** By partition, its part of the budget. */
  readonly shares: ReadonlyMap<number, BudgetShare>;
  /** Where each partition began, by the group's commits. */
  readonly starts: Map<number, number>;
  /** Partitions of which nobody has ever committed anything. */
  readonly untouched: Set<number>;
  readonly budget: InFlightBudget;
  /** The next offset committed, by partition. */
  readonly committed: Map<number, number>;
  /** The next offset to be handed over, by partition. */
  readonly expected: Map<number, number>;
}

/** The dead-letter limit looks at so many of the latest photos: a folder of broken files must not stop a service. */
const DEAD_LETTER_OUTCOMES_MIN = 200;
/** A featurizer's share of one publication; a request holds some hundred vectors. */
const PUBLISH_RECORDS_MAX = 128;
/** How long a stop waits for the photos in flight before it drops them; they are done again after the restart. */
const DRAIN_MS_MAX = 5_000;

/**
 * Photos' keys in, feature vectors out: fetch, decode, infer and publish overlap across photos and partitions, and each
 * source partition is published in the order of its offsets to features partition `source mod n`.
 *
 * Delivery: a source offset is committed after its vector or dead letter is acknowledged. A crash, a rebalance or a
 * zombie can therefore only repeat what was published before; whoever reads `features` sees the first appearance of
 * every source offset after that of every smaller one.
 */
export class FeaturizerPipeline {
  readonly #parts: FeaturizerParts;
  readonly #settings: FeaturizerSettings;
  readonly #limitFetches: LimitFunction;
  readonly #limitDecodes: LimitFunction;
  readonly #retry: WaitingRetry;
  readonly #deadLetterLimit: DeadLetterLimit;
  readonly #stopping = new AbortController();
  readonly #failure = Promise.withResolvers<never>();
  readonly #finished = Promise.withResolvers<void>();
  #assignment: Assignment | undefined;

  constructor(parts: FeaturizerParts, settings: FeaturizerSettings) {
    this.#parts = parts;
    this.#settings = settings;
    this.#limitFetches = pLimit(settings.fetchesMax);
    this.#limitDecodes = pLimit(settings.decodesMax);
    this.#retry = new WaitingRetry(parts);
    this.#deadLetterLimit = new DeadLetterLimit(DEAD_LETTER_OUTCOMES_MIN, settings.deadLetterShareMax);
  }

  /** Works until `stop` or until its group has come to the end, or throws what nobody but an operator can mend. */
  async run(): Promise<void> {
    const consuming = this.#parts.consumer.run({
      assigned: (partitions) => this.#assign(partitions),
      records: (partition, records) => this.#admit(partition, records),
      interrupted: (error) => this.#parts.health.report("kafka", "waiting", error.message),
    });
    const committing = this.#commitFromTimeToTime();
    const working = committing.then(() => consuming);
    await Promise.race([consuming, working, this.#finished.promise, this.#failure.promise]);
  }

  /** By partition that this member owns, the offset below which everything is published. */
  get positions(): ReadonlyMap<number, number> {
    const { lanes = new Map<number, PartitionLane<Outcome>>(), starts } = this.#assignment ?? {};
    return new Map(
      [...lanes].map(([partition, { nextOffset }]) => [partition, nextOffset ?? starts?.get(partition) ?? 0]),
    );
  }

  /** Lets the photos in flight finish for a bounded time, commits what is published and leaves the group. */
  async stop(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort(new Error("the featurizer is stopping"));
    const lanes = [...(this.#assignment?.lanes.values() ?? [])];
    await waitWithin(this.#parts.clock, DRAIN_MS_MAX, Promise.all(lanes.map((lane) => lane.idle())));
    try {
      await this.#commit();
    } finally {
      for (const lane of lanes) lane.abandon();
      await this.#parts.consumer.stop();
    }
  }

  /** Starts each partition at the group's committed offset: what is committed was published before. */
  async #assign(partitions: readonly number[]): Promise<ReadonlyMap<number, number>> {
    for (const lane of this.#assignment?.lanes.values() ?? []) lane.abandon();
    this.#assignment?.budget.dissolve();

    const budget = new InFlightBudget({
      photosMax: this.#settings.inFlightPhotosMax,
      bytesMax: this.#settings.inFlightBytesMax,
    });
    const shares = new Map(partitions.map((partition) => [partition, budget.share()]));
    const newLane = (share: BudgetShare) =>
      new PartitionLane<Outcome>({
        publishRecordsMax: PUBLISH_RECORDS_MAX,
        onFailure: (error) => this.#failure.reject(error),
        publish: async (outcomes, signal) => {
          await this.#publish(outcomes, signal);
          for (const { budgetBytes } of outcomes) share.release(budgetBytes);
          metrics.featurizerInFlightBytes.set(budget.bytes);
        },
      });
    const lanes = new Map([...shares].map(([partition, share]) => [partition, newLane(share)]));
    const positions = { starts: new Map(), untouched: new Set<number>(), committed: new Map(), expected: new Map() };
    const assignment: Assignment = { lanes, shares, budget, ...positions };
    this.#assignment = assignment;

    const starts = (await this.#committedOffsets()).filter(({ partition }) => lanes.has(partition));
    for (const { partition, offset } of starts) {
      assignment.starts.set(partition, offset);
      assignment.expected.set(partition, offset);
    }
    // Whoever is stopped meanwhile has got no answer.
    const answered = this.#stopping.signal.aborted ? [] : partitions;
    for (const partition of answered) if (!assignment.starts.has(partition)) assignment.untouched.add(partition);
    this.#parts.health.report("kafka", "ok");
    return assignment.starts;
  }

  /** Nothing for whoever stops: it reads no more, from wherever it would start. */
  async #committedOffsets(): Promise<PartitionOffset[]> {
    return (await this.#askKafka("committed-offsets", () => this.#parts.committedOffsets())) ?? [];
  }

  /** Undefined when the pipeline is being stopped. */
  async #askKafka<Answer>(name: string, attempt: () => Promise<Answer>): Promise<Answer | undefined> {
    const { signal } = this.#stopping;
    try {
      return await this.#retry.run({ part: "kafka", name, signal, attempt });
    } catch (error) {
      if (signal.aborted) return undefined;
      throw error;
    }
  }

  /** Kafka forgets records after the topic's retention; whoever was away for longer must be told what is gone. */
  #noteGap({ expected }: Assignment, { topic, partition, offset }: LogRecord): void {
    const next = expected.get(partition) ?? offset;
    expected.set(partition, offset + 1);
    if (offset === next) return;
    const gap = { partition, expected: next, offset };
    this.#parts.logger.error(gap, `${offset - next} records of "${topic}" are gone; raise the topic's retention`);
  }

  /** Takes the records into the pipeline as the budget allows: the backpressure that the consumer feels. */
  async #admit(partition: number, records: readonly LogRecord[]): Promise<void> {
    const assignment = this.#assignment;
    const lane = assignment?.lanes.get(partition);
    const share = assignment?.shares.get(partition);
    if (!assignment || !lane || !share) return;
    await this.#askKafka("schemas", () => this.#parts.schemas.learn(records.map(({ value }) => value)));
    if (lane.signal.aborted || this.#stopping.signal.aborted) return;
    for (const record of records) {
      if (record.offset >= this.#endOf(partition)) return this.#restAtEnd(assignment, lane, share, record);
      this.#noteGap(assignment, record);
      const arrived = readPhotoRecord(record);
      const budgetBytes = arrived instanceof Error ? 0 : Math.min(arrived.sizeBytes, this.#settings.photoBytesMax);
      await share.acquire(budgetBytes);
      if (lane.signal.aborted || this.#stopping.signal.aborted) return;
      metrics.featurizerInFlightBytes.set(assignment.budget.bytes);
      lane.submit(record.offset, this.#featurize(record, arrived, budgetBytes, lane.signal));
    }
  }

  /** Takes nothing more of the partition: not resolving keeps it from being fetched, until it is assigned anew. */
  async #restAtEnd(
    assignment: Assignment,
    lane: PartitionLane<Outcome>,
    share: BudgetShare,
    record: LogRecord,
  ): Promise<void> {
    const end = this.#endOf(record.partition);
    if ((assignment.expected.get(record.partition) ?? end) < end) {
      this.#noteGap(assignment, { ...record, offset: end });
      await share.acquire(0);
      lane.submit(end - 1, Promise.resolve({ budgetBytes: 0 }));
    }
    const { signal } = lane;
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  }

  #endOf(partition: number): number {
    return this.#settings.end?.of(partition) ?? Number.POSITIVE_INFINITY;
  }

  async #featurize(
    record: LogRecord,
    arrived: PhotoArrived | Error,
    budgetBytes: number,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const { run, model } = this.#settings;
    try {
      if (arrived instanceof Error) throw arrived;
      const bytes = await this.#fetch(arrived, signal);
      const photo = await this.#limitDecodes(() =>
        timed("decode", () => countCpu("decode", () => this.#parts.decode(bytes))),
      );
      signal.throwIfAborted();
      const { features, predictions } = await timed("infer", () => this.#parts.infer(photo, signal));
      const { sizeBytes: _sizeBytes, ...carried } = arrived;
      const message: PhotoFeatures = {
        ...carried,
        run,
        sourceTopic: record.topic,
        sourcePartition: record.partition,
        sourceOffset: record.offset,
        model,
        widthPx: photo.photoWidth,
        heightPx: photo.photoHeight,
        featurizedAtMs: this.#parts.clock.nowMs(),
        features,
        predictions,
      };
      return { budgetBytes, features: message };
    } catch (error) {
      if (fateOf(error) !== "dead-letter") throw error;
      const known = arrived instanceof Error ? undefined : arrived;
      const uri = known ? photoUri(known) : null;
      const context = { run, uri, traceparent: known?.traceparent ?? null, nowMs: this.#parts.clock.nowMs() };
      return { budgetBytes, deadLetter: deadLetterOf(record, error as Error, context) };
    }
  }

  #fetch(photo: PhotoArrived, signal: AbortSignal): Promise<Uint8Array> {
    const { store } = this.#parts;
    // Photos that S3 keeps back wait without a place among those that are fetched.
    const attempt = () =>
      this.#limitFetches(() => timed("fetch", () => fetchPhoto(store, photo, this.#settings.photoBytesMax, signal)));
    return this.#retry.run({ part: "s3", name: "fetch", signal, attempt });
  }

  async #publish(outcomes: readonly Outcome[], signal: AbortSignal): Promise<void> {
    const { producer } = this.#parts;
    const { topics, featuresPartitions } = this.#settings;
    this.#deadLetterLimit.count(outcomes);
    const vectors = outcomes.flatMap(({ features }) => features ?? []);
    const deadLetters = outcomes.flatMap(({ deadLetter }) => deadLetter ?? []);
    const vectorRecords = countCpu("encode", () =>
      vectors.map((message) => ({
        partition: message.sourcePartition % featuresPartitions,
        key: Buffer.from(message.key),
        value: photoFeaturesCodec.encode(message),
      })),
    );
    const deadLetterRecords = deadLetters.map((message) => ({
      key: message.originalKey,
      value: deadLetterCodec.encode(message),
    }));
    const append = async (topic: string, records: NewRecord[]) => {
      if (records.length === 0) return;
      const attempt = () => timed("publish", () => producer.append(topic, records));
      await this.#retry.run({ part: "kafka", name: "publish", signal, attempt });
    };
    await Promise.all([append(topics.features, vectorRecords), append(topics.deadLetters, deadLetterRecords)]);

    metrics.featurizerPhotos.inc(vectors.length);
    for (const { reason, detail, uri, sourcePartition, sourceOffset } of deadLetters) {
      metrics.deadLetters.inc({ reason });
      const position = { partition: sourcePartition, offset: sourceOffset };
      this.#parts.logger.warn({ ...position, reason, detail, uri }, "photo set aside as a dead letter");
    }
  }

  async #commitFromTimeToTime(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      await this.#parts.clock.sleep(this.#settings.commitMs, this.#stopping.signal).catch(() => undefined);
      await this.#commit();
      if (!(await this.#isFinished())) continue;
      this.#parts.logger.info("everything up to the end is published");
      return this.#finished.resolve();
    }
  }

  /** Whether the whole group has come to the end: what others own may be reassigned to this member. */
  async #isFinished(): Promise<boolean> {
    const { end } = this.#settings;
    if (!end || this.#stopping.signal.aborted) return false;
    const committed = offsetMap(await this.#committedOffsets());
    const isReached = () => end.isReached((partition) => committed.get(partition));
    return (await this.#askKafka("earliest-offsets", isReached)) ?? false;
  }

  async #commit(): Promise<void> {
    const assignment = this.#assignment;
    if (!assignment) return;
    const advanced = [...assignment.lanes].flatMap(([partition, { nextOffset }]) => {
      // Without any commit the group asks the partition for its first offset at each join, and waits if it is away.
      const offset = nextOffset ?? (assignment.untouched.has(partition) ? 0 : undefined);
      return offset === undefined || offset === assignment.committed.get(partition) ? [] : [{ partition, offset }];
    });
    if (advanced.length === 0) return;
    try {
      await this.#parts.consumer.commit(advanced);
      for (const { partition, offset } of advanced) assignment.committed.set(partition, offset);
    } catch (error) {
      // The next commit makes it good; if there is none, the work since is repeated and dropped by the reducer.
      if (fateOf(error) !== "retry") throw error;
      this.#parts.logger.debug({ err: error }, "offsets not committed this time");
    }
  }
}

/** Counts what the event loop computes before the work is done or first waits; what other threads do is not in it. */
function countCpu<Result>(stage: string, work: () => Result): Result {
  const before = process.threadCpuUsage();
  const result = work();
  const { user, system } = process.threadCpuUsage(before);
  metrics.featurizerCpuSeconds.inc({ stage }, (user + system) / 1e6);
  return result;
}

async function timed<Result>(stage: string, work: () => Promise<Result>): Promise<Result> {
  const stop = metrics.featurizerStageSeconds.startTimer({ stage });
  try {
    return await work();
  } finally {
    stop();
  }
}
