import type { NewRecord, RecordProducer } from "#lib/log/record-log.ts";
import { deadLetterCodec, photoFeaturesCodec } from "#lib/messages/avro/avro-codec.ts";
import type { DeadLetter, PhotoFeatures } from "#lib/messages/messages.ts";
import type { Topics } from "#lib/messages/topics.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import { metrics } from "#lib/runtime/metrics.ts";
import type { WaitingRetry } from "#lib/runtime/waiting-retry.ts";
import { DeadLetterLimit } from "./dead-letter-limit.ts";
import type { PhotoOutcome } from "./featurize-photo.ts";
import { countCpu, timed } from "./measure.ts";

export interface OutcomePublisherDeps {
  readonly producer: RecordProducer;
  readonly retry: WaitingRetry;
  readonly logger: Logger;
}

export interface OutcomePublisherOptions {
  readonly topics: Topics;
  /** With a larger share of dead letters among the latest photos nothing more is published; 0 to 1. */
  readonly deadLetterShareMax: number;
}

/** The dead-letter limit looks at so many of the latest photos: a folder of broken files must not stop a service. */
const DEAD_LETTER_OUTCOMES_MIN = 200;

/** Puts outcomes on their topics: vectors on features partition `source mod n`, in the order given. */
export class OutcomePublisher {
  readonly #deps: OutcomePublisherDeps;
  readonly #options: OutcomePublisherOptions;
  readonly #deadLetterLimit: DeadLetterLimit;

  constructor(deps: OutcomePublisherDeps, options: OutcomePublisherOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#deadLetterLimit = new DeadLetterLimit(DEAD_LETTER_OUTCOMES_MIN, options.deadLetterShareMax);
  }

  /**
   * Resolves once all outcomes are acknowledged; while Kafka is away it tries again until the signal aborts.
   *
   * @param featuresPartitions of the features topic.
   * @throws too-many-dead-letters, or the signal's reason.
   */
  async publish(outcomes: readonly PhotoOutcome[], featuresPartitions: number, signal: AbortSignal): Promise<void> {
    const { topics } = this.#options;
    this.#deadLetterLimit.count(outcomes);
    const vectors = outcomes.flatMap(({ features }) => features ?? []);
    const deadLetters = outcomes.flatMap(({ deadLetter }) => deadLetter ?? []);
    const vectorRecords = countCpu("encode", () => vectors.map((message) => vectorRecord(message, featuresPartitions)));
    await Promise.all([
      this.#append(topics.features, vectorRecords, signal),
      this.#append(topics.deadLetters, deadLetters.map(deadLetterRecord), signal),
    ]);
    metrics.featurizerPhotos.inc(vectors.length);
    for (const letter of deadLetters) this.#note(letter);
  }

  async #append(topic: string, records: readonly NewRecord[], signal: AbortSignal): Promise<void> {
    if (records.length === 0) return;
    const attempt = () => timed("publish", () => this.#deps.producer.append(topic, records));
    await this.#deps.retry.run({ part: "kafka", name: "publish", signal, attempt });
  }

  #note({ reason, detail, uri, sourcePartition, sourceOffset }: DeadLetter): void {
    metrics.deadLetters.inc({ reason });
    const position = { partition: sourcePartition, offset: sourceOffset };
    const fields = { event: "photo_dead_lettered", ...position, reason, detail, uri };
    this.#deps.logger.warn(fields, "photo moved to the dead letters");
  }
}

function vectorRecord(message: PhotoFeatures, featuresPartitions: number): NewRecord {
  return {
    partition: message.sourcePartition % featuresPartitions,
    key: Buffer.from(message.key),
    value: photoFeaturesCodec.encode(message),
  };
}

function deadLetterRecord(letter: DeadLetter): NewRecord {
  return { key: letter.originalKey, value: deadLetterCodec.encode(letter) };
}
