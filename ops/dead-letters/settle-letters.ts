import type { PartitionOffset, PositionedProducer } from "#lib/log/record-log.ts";
import { deadLetterMarkCodec, photoArrivedCodec } from "#lib/messages/avro/avro-codec.ts";
import { type DeadLetterOutcome, LIVE_RUN } from "#lib/messages/messages.ts";
import type { Topics } from "#lib/messages/topics.ts";
import type { Clock } from "#lib/runtime/clock.ts";
import type { PlacedLetter } from "./placed-letter.ts";

/** Settles letters one after the other: appends what is to be tried again, and then the mark that closes the letter. */
export class LetterSettler {
  readonly #producer: PositionedProducer;
  readonly #topics: Topics;
  readonly #clock: Clock;
  /** By photo version: letters are delivered at least once, a photo may have several, and it must come back once. */
  readonly #retried = new Map<string, PartitionOffset | undefined>();

  constructor(producer: PositionedProducer, topics: Topics, clock: Clock) {
    this.#producer = producer;
    this.#topics = topics;
    this.#clock = clock;
  }

  /**
   * Puts a letter's original record back on its topic, at a new position, and marks the letter. At least once: broken off
   * between the two, the letter stays open, and retrying it again makes the photo arrive once more.
   *
   * @returns undefined, or why this letter can't be retried and what to do instead; nothing was appended then.
   */
  async retry(placed: PlacedLetter): Promise<string | undefined> {
    const refusal = refusalOf(placed, this.#topics);
    if (refusal) return refusal;
    const { sourceTopic, sourcePartition, sourceOffset, originalKey: key, originalValue } = placed.letter;
    const source = photoVersionOf(originalValue!) ?? `${sourceTopic}/${sourcePartition}/${sourceOffset}`;
    if (!this.#retried.has(source)) {
      this.#retried.set(source, await this.#producer.appendOne(sourceTopic, { key, value: originalValue! }));
    }
    await this.#mark(placed, "retried", this.#retried.get(source));
    return undefined;
  }

  /** Marks a letter as not worth another try. */
  async drop(placed: PlacedLetter): Promise<void> {
    await this.#mark(placed, "dropped", undefined);
  }

  async #mark(
    { partition, offset }: PlacedLetter,
    outcome: DeadLetterOutcome,
    place: PartitionOffset | undefined,
  ): Promise<void> {
    const mark = deadLetterMarkCodec.encode({
      letterPartition: partition,
      letterOffset: offset,
      outcome,
      newPartition: place?.partition ?? null,
      newOffset: place?.offset ?? null,
      markedAtMs: this.#clock.nowMs(),
    });
    await this.#producer.append(this.#topics.deadLetters, [{ partition, key: null, value: mark }]);
  }
}

/** Undefined for a record that can't be read, and so is a letter of its own. */
function photoVersionOf(value: Uint8Array): string | undefined {
  try {
    const { bucket, key, etag } = photoArrivedCodec.decode(value);
    return JSON.stringify([bucket, key, etag]);
  } catch {
    return undefined;
  }
}

function refusalOf({ letter }: PlacedLetter, topics: Topics): string | undefined {
  const { run, sourceTopic, sourcePartition, sourceOffset, uri, originalValue } = letter;
  const bounds = `--from ${sourcePartition}:${sourceOffset} --to ${sourcePartition}:${sourceOffset + 1}`;
  if (sourceTopic !== topics.photos) {
    // Its source offset is below the high-water mark by now: the reducer would drop it as a repeat.
    return "it is a vector, and the table is past it; mend the model and replay the photo as a run of another name";
  }
  if (run !== LIVE_RUN) {
    return `its run is "${run}", and a retried photo arrives in the live run; replay it: fruitstream replay --topic photos --run NAME ${bounds}`;
  }
  if (originalValue !== null) return undefined;
  const announce = `announce the photo anew: fruitstream ingest backfill ${uri ?? "s3://bucket/key"}`;
  return `it does not carry the original record, which was too large for a letter; ${announce}`;
}
