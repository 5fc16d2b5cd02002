import pLimit, { type LimitFunction } from "p-limit";
import { deadLetterCodec, photoArrivedCodec, photoFeaturesCodec } from "../../lib/contract/avro-codec.ts";
import type { DeadLetter, PhotoArrived, PhotoFeatures, SourcePosition } from "../../lib/contract/messages.ts";
import type { Topics } from "../../lib/contract/topics.ts";
import type { LogRecord, NewRecord, RecordConsumer, RecordProducer } from "../../lib/kafka/record-log.ts";
import type { Clock } from "../../lib/runtime/clock.ts";
import { deadLetterReasonOf, fateOf } from "../../lib/runtime/errors.ts";
import type { Health } from "../../lib/runtime/health.ts";
import type { Logger } from "../../lib/runtime/logger.ts";
import { metrics } from "../../lib/runtime/metrics.ts";
import { type RetryPolicy, retrying } from "../../lib/runtime/retry.ts";
import { formatS3Uri, type ObjectStore } from "../../lib/store/object-store.ts";
import type { DecodedPhoto } from "./decode-photo.ts";
import { fetchPhoto } from "./fetch-photo.ts";
import { InFlightBudget } from "./in-flight-budget.ts";
import type { PhotoVector } from "./inference/photo-model.ts";
import { PartitionLane } from "./partition-lane.ts";

export interface FeaturizerParts {
  readonly consumer: RecordConsumer;
  readonly producer: RecordProducer;
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
  /** Name and content hash of the model. */
  readonly model: string;
  readonly inFlightPhotosMax: number;
  readonly inFlightBytesMax: number;
  readonly photoBytesMax: number;
  readonly fetchesMax: number;
  readonly decodesMax: number;
  readonly commitMs: number;
}

/** What became of one photo, with the bytes that it holds of the budget. */
interface Outcome {
  readonly budgetBytes: number;
  readonly features?: PhotoFeatures;
  readonly deadLetter?: DeadLetter;
}

/** Everything that belongs to one assignment of partitions, and is dropped as a whole by the next. */
interface Assignment {
  readonly lanes: ReadonlyMap<number, PartitionLane<Outcome>>;
  readonly budget: InFlightBudget;
  /** The next offset committed, by partition. */
  readonly committed: Map<number, number>;
}

/** A featurizer's share of one publication; a request holds some hundred vectors. */
const PUBLISH_RECORDS_MAX = 128;
/** How long a stop waits for the photos in flight before it drops them; they are done again after the restart. */
const DRAIN_MS_MAX = 5_000;
const RETRY: RetryPolicy = { delayMsFirst: 100, delayMsMax: 10_000 };

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
  readonly #stopping = new AbortController();
  readonly #failure = Promise.withResolvers<never>();
  #assignment: Assignment | undefined;

  constructor(parts: FeaturizerParts, settings: FeaturizerSettings) {
    this.#parts = parts;
    this.#settings = settings;
    this.#limitFetches = pLimit(settings.fetchesMax);
    this.#limitDecodes = pLimit(settings.decodesMax);
  }

  /** Works until `stop`, or throws what nobody but an operator can mend. */
  async run(): Promise<void> {
    const consuming = this.#parts.consumer.run({
      assigned: async (partitions) => this.#assign(partitions),
      records: (partition, records) => this.#admit(partition, records),
    });
    const committing = this.#commitFromTimeToTime();
    await Promise.race([consuming, committing.then(() => consuming), this.#failure.promise]);
  }

  /** Lets the photos in flight finish for a bounded time, commits what is published and leaves the group. */
  async stop(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort(new Error("the featurizer is stopping"));
    const lanes = [...(this.#assignment?.lanes.values() ?? [])];
    await Promise.race([Promise.all(lanes.map((lane) => lane.idle())), this.#parts.clock.sleep(DRAIN_MS_MAX)]);
    await this.#commit();
    for (const lane of lanes) lane.abandon();
    await this.#parts.consumer.stop();
  }

  #assign(partitions: readonly number[]): ReadonlyMap<number, number> {
    for (const lane of this.#assignment?.lanes.values() ?? []) lane.abandon();
    this.#assignment?.budget.dissolve();

    const budget = new InFlightBudget({
      photosMax: this.#settings.inFlightPhotosMax,
      bytesMax: this.#settings.inFlightBytesMax,
    });
    const newLane = () =>
      new PartitionLane<Outcome>({
        publishRecordsMax: PUBLISH_RECORDS_MAX,
        onFailure: (error) => this.#failure.reject(error),
        publish: (outcomes, signal) => this.#publish(outcomes, budget, signal),
      });
    const lanes = new Map(partitions.map((partition) => [partition, newLane()]));
    this.#assignment = { lanes, budget, committed: new Map() };
    this.#parts.health.report("kafka", "ok");
    // Kafka's committed offsets are where we left off: what is committed here was published before.
    return new Map();
  }

  /** Takes the records into the pipeline as the budget allows: the backpressure that the consumer feels. */
  async #admit(partition: number, records: readonly LogRecord[]): Promise<void> {
    const assignment = this.#assignment;
    const lane = assignment?.lanes.get(partition);
    if (!assignment || !lane) return;
    for (const record of records) {
      const arrived = readPhotoArrived(record);
      const budgetBytes = arrived instanceof Error ? 0 : Math.min(arrived.sizeBytes, this.#settings.photoBytesMax);
      await assignment.budget.acquire(budgetBytes);
      if (lane.signal.aborted || this.#stopping.signal.aborted) return;
      metrics.featurizerInFlightBytes.set(assignment.budget.bytes);
      lane.submit(record.offset, this.#featurize(record, arrived, budgetBytes, lane.signal));
    }
  }

  async #featurize(
    record: LogRecord,
    arrived: PhotoArrived | Error,
    budgetBytes: number,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const position: SourcePosition = {
      run: this.#settings.run,
      sourceTopic: record.topic,
      sourcePartition: record.partition,
      sourceOffset: record.offset,
    };
    try {
      if (arrived instanceof Error) throw arrived;
      const bytes = await this.#limitFetches(() => this.#fetch(arrived, signal));
      const photo = await this.#limitDecodes(() => timed("decode", () => this.#parts.decode(bytes)));
      signal.throwIfAborted();
      const { features, predictions } = await timed("infer", () => this.#parts.infer(photo, signal));
      const message: PhotoFeatures = {
        ...position,
        model: this.#settings.model,
        bucket: arrived.bucket,
        key: arrived.key,
        etag: arrived.etag,
        label: arrived.label,
        widthPx: photo.photoWidth,
        heightPx: photo.photoHeight,
        capturedAtMs: arrived.capturedAtMs,
        ingestedAtMs: arrived.ingestedAtMs,
        featurizedAtMs: this.#parts.clock.nowMs(),
        features,
        predictions,
        traceparent: arrived.traceparent,
      };
      return { budgetBytes, features: message };
    } catch (error) {
      if (fateOf(error) !== "dead-letter") throw error;
      return { budgetBytes, deadLetter: this.#deadLetterOf(error as Error, record, arrived, position) };
    }
  }

  #fetch(photo: PhotoArrived, signal: AbortSignal): Promise<Uint8Array> {
    const { store } = this.#parts;
    const attempt = () => timed("fetch", () => fetchPhoto(store, photo, this.#settings.photoBytesMax, signal));
    return this.#retrying("s3", "fetch", signal, attempt);
  }

  async #publish(outcomes: readonly Outcome[], budget: InFlightBudget, signal: AbortSignal): Promise<void> {
    const { producer } = this.#parts;
    const { topics, featuresPartitions } = this.#settings;
    const vectors = outcomes.flatMap(({ features }) => features ?? []);
    const deadLetters = outcomes.flatMap(({ deadLetter }) => deadLetter ?? []);
    const vectorRecords = vectors.map((message) => ({
      partition: message.sourcePartition % featuresPartitions,
      key: Buffer.from(message.key),
      value: photoFeaturesCodec.encode(message),
    }));
    const deadLetterRecords = deadLetters.map((message) => ({
      key: message.originalKey,
      value: deadLetterCodec.encode(message),
    }));
    const append = async (topic: string, records: NewRecord[]) => {
      if (records.length === 0) return;
      const attempt = () => timed("publish", () => producer.append(topic, records));
      await this.#retrying("kafka", "publish", signal, attempt);
    };
    await Promise.all([append(topics.features, vectorRecords), append(topics.deadLetters, deadLetterRecords)]);

    for (const { budgetBytes } of outcomes) budget.release(budgetBytes);
    metrics.featurizerInFlightBytes.set(budget.bytes);
    metrics.featurizerPhotos.inc(vectors.length);
    for (const { reason } of deadLetters) metrics.deadLetters.inc({ reason });
  }

  /** Repeats a step while what it needs may come back, and says in the health report that it waits. */
  async #retrying<Result>(part: "s3" | "kafka", step: string, signal: AbortSignal, attempt: () => Promise<Result>) {
    const { clock, health, logger } = this.#parts;
    const onRetry = (error: unknown, attemptNumber: number, delayMs: number) => {
      metrics.retries.inc({ step });
      health.report(part, "waiting", String(error));
      logger.warn({ err: error, step, attempt: attemptNumber, delayMs }, `${step} failed; trying again`);
    };
    const result = await retrying(RETRY, { clock, signal, onRetry }, attempt);
    health.report(part, "ok");
    return result;
  }

  #deadLetterOf(error: Error, record: LogRecord, arrived: PhotoArrived | Error, position: SourcePosition): DeadLetter {
    const photo = arrived instanceof Error ? undefined : arrived;
    const deadLetter: DeadLetter = {
      ...position,
      reason: deadLetterReasonOf(error)!,
      detail: error.message,
      uri: photo ? formatS3Uri(photo) : null,
      failedAtMs: this.#parts.clock.nowMs(),
      originalKey: record.key,
      originalValue: record.value,
      traceparent: photo?.traceparent ?? null,
    };
    const { reason, detail, uri } = deadLetter;
    this.#parts.logger.warn({ ...position, reason, detail, uri }, "photo set aside as a dead letter");
    return deadLetter;
  }

  async #commitFromTimeToTime(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      await this.#parts.clock.sleep(this.#settings.commitMs, this.#stopping.signal).catch(() => undefined);
      await this.#commit();
    }
  }

  async #commit(): Promise<void> {
    const assignment = this.#assignment;
    if (!assignment) return;
    const advanced = [...assignment.lanes].flatMap(([partition, { nextOffset }]) =>
      nextOffset === undefined || nextOffset === assignment.committed.get(partition)
        ? []
        : [{ partition, offset: nextOffset }],
    );
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

/** The announced photo, or the error that makes the record a dead letter. */
function readPhotoArrived(record: LogRecord): PhotoArrived | Error {
  try {
    return photoArrivedCodec.decode(record.value);
  } catch (error) {
    if (fateOf(error) === "dead-letter") return error as Error;
    throw error;
  }
}

async function timed<Result>(stage: string, work: () => Promise<Result>): Promise<Result> {
  const stop = metrics.featurizerStageSeconds.startTimer({ stage });
  try {
    return await work();
  } finally {
    stop();
  }
}
