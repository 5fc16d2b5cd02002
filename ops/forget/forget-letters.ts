import type { LogRecord, NewRecord, PartitionOffset } from "#lib/log/record-log.ts";
import { deadLetterMarkCodec } from "#lib/messages/avro/avro-codec.ts";
import { decodeDeadLetterRecord, unlessPoison } from "#lib/messages/dead-letter.ts";
import type { ForgottenPhotos } from "#lib/messages/forgotten-photos.ts";
import type { DeadLetterMark } from "#lib/messages/messages.ts";
import type { MessageAccess } from "#ops/pipeline/pipeline-access.ts";
import { letterOfRecord, photoOfLetter } from "./read-photo-uri.ts";

/** The letters of forgotten photos, by their positions on the topic of dead letters. */
export async function findLetters(access: MessageAccess, forgotten: ForgottenPhotos): Promise<PartitionOffset[]> {
  const { log, admin, topics, schemas } = access;
  if ((await admin.partitionCount(topics.deadLetters)) === undefined) return [];
  const found: PartitionOffset[] = [];
  await log.readTopic(topics.deadLetters, async (record) => {
    const letter = await letterOfRecord(record, schemas);
    const photo = letter && (await photoOfLetter(letter, schemas));
    if (!photo || !forgotten.has(photo.uri, photo.announcedAtMs)) return;
    found.push({ partition: record.partition, offset: record.offset });
  });
  return found;
}

/**
 * Removes the letters of forgotten photos. A topic loses records from its beginning only: everything else up to the last
 * such letter is appended again first, in order, with marks that name the letters' new positions. So other letters are there
 * at any moment; interrupted between both steps, some of them are there twice, as letters may be anyway.
 *
 * @returns how many letters were removed.
 */
export async function deleteLetters(access: MessageAccess, forgotten: ForgottenPhotos): Promise<number> {
  const found = await findLetters(access, forgotten);
  const partitions = Map.groupBy(found, ({ partition }) => partition);
  for (const [partition, letters] of partitions) {
    const offsets = new Set(letters.map(({ offset }) => offset));
    const last = Math.max(...offsets);
    await appendAgain(access, partition, offsets, last);
    await access.admin.deleteBelow(access.topics.deadLetters, [{ partition, offset: last + 1 }]);
  }
  return found.length;
}

async function appendAgain(
  { log, producer, topics }: MessageAccess,
  partition: number,
  removed: ReadonlySet<number>,
  last: number,
): Promise<void> {
  const moved = new Map<number, number>();
  const again = async (record: NewRecord) => producer.appendOne(topics.deadLetters, { ...record, partition });
  await log.readTopic(topics.deadLetters, async ({ partition: place, offset, key, value }: LogRecord) => {
    if (place !== partition || removed.has(offset) || value === null) return;
    const mark = markOf(value);
    const letterOffset = mark && moved.get(mark.letterOffset);
    if (mark && letterOffset !== undefined) {
      await again({ key, value: deadLetterMarkCodec.encode({ ...mark, letterOffset }) });
    } else if (offset <= last && !(mark && removed.has(mark.letterOffset))) {
      const appended = await again({ key, value });
      if (appended) moved.set(offset, appended.offset);
    }
  });
}

function markOf(value: Uint8Array): DeadLetterMark | undefined {
  const record = unlessPoison(() => decodeDeadLetterRecord(value));
  return record?.kind === "mark" ? record.mark : undefined;
}
