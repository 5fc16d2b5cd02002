import type { LogRecord, RecordProducer } from "#lib/log/record-log.ts";
import { deadLetterCodec, photoFeaturesCodec } from "#lib/messages/avro/avro-codec.ts";
import { deadLetterOf } from "#lib/messages/dead-letter.ts";
import type { PhotoFeatures } from "#lib/messages/messages.ts";
import type { Topics } from "#lib/messages/topics.ts";
import type { Clock } from "#lib/runtime/clock.ts";
import { FruitstreamError, fateOf } from "#lib/runtime/errors.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import { metrics } from "#lib/runtime/metrics.ts";
import type { WaitingRetry } from "#lib/runtime/waiting-retry.ts";
import type { PhotoRow } from "#lib/table/photo-row.ts";
import type { SourceEnds } from "./source-ends.ts";
import type { VectorLengths } from "./vector-lengths.ts";
import { rowOf } from "./vector-row.ts";

export interface VectorIntakeDeps {
  readonly producer: RecordProducer;
  readonly lengths: VectorLengths;
  readonly sourceEnds: SourceEnds;
  readonly retry: WaitingRetry;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface VectorIntakeOptions {
  readonly topics: Topics;
}

/** What a record of `features` turns out to be: a vector that becomes a row, or a dead letter. */
export class VectorIntake {
  readonly #deps: VectorIntakeDeps;
  readonly #options: VectorIntakeOptions;

  constructor(deps: VectorIntakeDeps, options: VectorIntakeOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  /** The vector and its row, or the error that makes the record a dead letter. */
  read(record: LogRecord): { message: PhotoFeatures; row: PhotoRow } | Error {
    try {
      const message = photoFeaturesCodec.decode(record.value);
      return { message, row: rowOf(message) };
    } catch (error) {
      if (fateOf(error) !== "dead-letter") throw error;
      return error as Error;
    }
  }

  /** Whether nothing stands against the vector by what is known already: then `problemOf` needs not be waited for. */
  accepts(message: PhotoFeatures): boolean {
    const { lengths, sourceEnds } = this.#deps;
    return sourceEnds.isKnown(message) && lengths.known(message) === message.features.length;
  }

  /**
   * Why the vector can't be a row: no photo can be its source, so that its offset would hide those that are to come; or
   * its length is not that of its model, of which there would be no moments. Waits for Kafka and S3 until the signal aborts.
   *
   * @param highWaterMark of its source.
   */
  async problemOf(
    message: PhotoFeatures,
    highWaterMark: number,
    signal: AbortSignal,
  ): Promise<FruitstreamError | undefined> {
    const { sourceEnds, retry } = this.#deps;
    if (!sourceEnds.isKnown(message)) {
      const attempt = () => sourceEnds.problemOf(message, highWaterMark);
      const problem = await retry.run({ part: "kafka", name: "source-ends", signal, attempt });
      if (problem) return problem;
    }
    return this.#lengthProblem(message, signal);
  }

  async #lengthProblem(message: PhotoFeatures, signal: AbortSignal): Promise<FruitstreamError | undefined> {
    const { lengths, retry } = this.#deps;
    const { model, features } = message;
    const attempt = () => lengths.of(message);
    const known = await retry.run({ part: "s3", name: "vector-length", signal, attempt });
    if (known === undefined) {
      const problem = lengths.problemOfFirst(message);
      if (!problem) lengths.note(message, features.length);
      return problem;
    }
    if (features.length === known) return undefined;
    const problem = `a vector of model "${model}" has ${features.length} values, those in the table have ${known}`;
    return new FruitstreamError("poison-message", problem);
  }

  /**
   * Why a vector that is not on its source partition's partition can't be a row: it may have been published while the topic
   * had another number of partitions, and its mark would hide those that are still to be read on the right one.
   */
  misplacement(
    { sourcePartition }: PhotoFeatures,
    { topic, partition }: LogRecord,
    featuresPartitions: number,
  ): FruitstreamError | undefined {
    const home = sourcePartition % featuresPartitions;
    if (home === partition) return undefined;
    const problem = `a vector of source partition ${sourcePartition} is on partition ${partition} of "${topic}", not on ${home} of ${featuresPartitions}`;
    const remedy = "it was published when the topic had another number of partitions; replay its photo";
    return new FruitstreamError("poison-message", `${problem}: ${remedy}`);
  }

  /** Whether the topic of photos was found to have the vector's source partition. */
  isOfKnownPartition({ sourcePartition }: PhotoFeatures): boolean {
    return this.#deps.sourceEnds.hasPartition(sourcePartition);
  }

  /** Resolves once the record is acknowledged as a dead letter. */
  async setAside(record: LogRecord, error: Error, signal: AbortSignal): Promise<void> {
    const { producer, retry, clock, logger } = this.#deps;
    const { topic, partition, offset, key } = record;
    const letter = deadLetterOf(record, error, { run: "", uri: null, traceparent: null, nowMs: clock.nowMs() });
    const { reason, detail } = letter;
    const fields = { event: "vector_dead_lettered", topic, partition, offset, reason, detail };
    logger.warn(fields, "record moved to the dead letters");
    metrics.deadLetters.inc({ reason });
    const records = [{ key: letter.originalKey && key, value: deadLetterCodec.encode(letter) }];
    const attempt = () => producer.append(this.#options.topics.deadLetters, records);
    await retry.run({ part: "kafka", name: "dead-letter", signal, attempt });
  }
}
