import { photoFeaturesCodec } from "#lib/messages/avro/avro-codec.ts";
import { decodeDeadLetterRecord, unlessPoison } from "#lib/messages/dead-letter.ts";
import type { DeadLetter, SourcePosition } from "#lib/messages/messages.ts";
import type { MessageAccess } from "#ops/pipeline/pipeline-access.ts";
import type { ReplayRange } from "./replay-range.ts";
import type { ReplayName } from "./replay-start.ts";

/**
 * The records of a replay's ranges that were dead-lettered, as offsets by partition. Letters are delivered at least once,
 * and each position counts once. Memory: a number for each of them.
 */
export async function readDeadLetteredPositions(
  { log, topics, schemas }: MessageAccess,
  { run, topic }: ReplayName,
  ranges: readonly ReplayRange[],
): Promise<ReadonlyMap<number, ReadonlySet<number>>> {
  const found = new Map(ranges.map((range) => [range.partition, { range, offsets: new Set<number>() }]));
  await log.readTopic(topics.deadLetters, async ({ value }) => {
    await schemas.learn([value]);
    const letter = letterOf(value);
    if (letter && letter.sourceTopic !== topic) await schemas.learn([letter.originalValue]);
    const position = letter && positionOf(letter, topic);
    const place = position && found.get(position.sourcePartition);
    if (!place || position.run !== run) return;
    const { range, offsets } = place;
    if (position.sourceOffset >= range.from && position.sourceOffset < range.to) offsets.add(position.sourceOffset);
  });
  return new Map([...found].map(([partition, { offsets }]) => [partition, offsets]));
}

/** The position on the topic that a letter stands for. */
function positionOf(letter: DeadLetter, topic: string): SourcePosition | undefined {
  return letter.sourceTopic === topic ? letter : unlessPoison(() => photoOf(letter, topic));
}

/** Undefined for marks, and for what is no letter. */
function letterOf(value: Uint8Array | null): DeadLetter | undefined {
  const record = unlessPoison(() => decodeDeadLetterRecord(value));
  return record?.kind === "letter" ? record.letter : undefined;
}

/** A vector that a reducer has set aside stands for its photo. */
function photoOf({ originalValue }: DeadLetter, topic: string): SourcePosition | undefined {
  if (!photoFeaturesCodec.recognises(originalValue)) return undefined;
  const vector = photoFeaturesCodec.decode(originalValue);
  return vector.sourceTopic === topic ? vector : undefined;
}
