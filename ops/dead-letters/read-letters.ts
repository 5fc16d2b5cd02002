import type { LogRecord, PartitionOffset } from "#lib/log/record-log.ts";
import { type DeadLetterRecord, decodeDeadLetterRecord, unlessPoison } from "#lib/messages/dead-letter.ts";
import type { DeadLetterMark } from "#lib/messages/messages.ts";
import { type MessageAccess, requireTopic } from "#ops/pipeline/pipeline-access.ts";
import type { PlacedLetter } from "./placed-letter.ts";
import { SettledLetters } from "./settled-letters.ts";

/**
 * Hands over every letter of the topic with what became of it, partition by partition in order. The topic is read twice:
 * a letter's mark comes after it. The next letter waits for what the handler returns.
 *
 * @returns how many records were neither letters nor marks.
 */
export async function readLetters(
  access: MessageAccess,
  onLetter: (letter: PlacedLetter, settled: ReturnType<SettledLetters["outcomeOf"]>) => void | Promise<void>,
): Promise<number> {
  const settled = new SettledLetters();
  await readRecords(access, (_place, record) => {
    if (record?.kind === "mark") settled.note(record.mark);
  });
  let unreadable = 0;
  await readRecords(access, async ({ partition, offset }, record) => {
    if (record?.kind === "letter") {
      await onLetter({ partition, offset, letter: record.letter }, settled.outcomeOf(partition, offset));
    } else if (!record) unreadable += 1;
  });
  return unreadable;
}

/** One letter and its latest mark; undefined where no letter lies. A mark is on its letter's partition, after it. */
export async function readLetter(
  access: MessageAccess,
  position: PartitionOffset,
): Promise<{ placed: PlacedLetter; mark: DeadLetterMark | undefined } | undefined> {
  let placed: PlacedLetter | undefined;
  let mark: DeadLetterMark | undefined;
  const onRecord = ({ partition, offset }: LogRecord, record: DeadLetterRecord | undefined) => {
    const isThere = partition === position.partition && offset === position.offset;
    if (isThere && record?.kind === "letter") placed = { partition, offset, letter: record.letter };
    if (record?.kind !== "mark") return;
    const { letterPartition, letterOffset } = record.mark;
    if (letterPartition === position.partition && letterOffset === position.offset) mark = record.mark;
  };
  const partitions = await requireTopic(access.admin, access.topics.deadLetters);
  const starts = Array.from({ length: partitions }, (_, partition) => [partition, Number.MAX_SAFE_INTEGER] as const);
  await readRecords(access, onRecord, new Map(starts).set(position.partition, position.offset));
  return placed && { placed, mark };
}

async function readRecords(
  { admin, log, topics, schemas }: MessageAccess,
  onRecord: (place: LogRecord, record: DeadLetterRecord | undefined) => void | Promise<void>,
  from?: ReadonlyMap<number, number>,
): Promise<void> {
  await requireTopic(admin, topics.deadLetters);
  const onLogRecord = async (record: LogRecord) => {
    await schemas.learn([record.value]);
    await onRecord(
      record,
      unlessPoison(() => decodeDeadLetterRecord(record.value)),
    );
  };
  await log.readTopic(topics.deadLetters, onLogRecord, from);
}
