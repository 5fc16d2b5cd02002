import type { FolderRecordLog } from "#lib/log/folder/folder-record-log.ts";
import { offsetMap } from "#lib/log/partition-offsets.ts";
import type { PartitionOffset, RecordLog } from "#lib/log/record-log.ts";
import type { ForgottenPhotos } from "#lib/messages/forgotten-photos.ts";
import { FEATURIZER_GROUP } from "#ops/local/local-workplace.ts";
import type { MessageAccess } from "#ops/pipeline/pipeline-access.ts";
import { photoOfRecord } from "./read-photo-uri.ts";

/** The records of a topic that are about forgotten photos. */
export async function findRecords(
  { log, admin, schemas }: Pick<MessageAccess, "log" | "admin" | "schemas">,
  topic: string,
  forgotten: ForgottenPhotos,
): Promise<PartitionOffset[]> {
  if ((await admin.partitionCount(topic)) === undefined) return [];
  const found: PartitionOffset[] = [];
  await log.readTopic(topic, async ({ partition, offset, value }) => {
    const photo = await photoOfRecord(value, schemas);
    if (photo && forgotten.has(photo.uri, photo.announcedAtMs)) found.push({ partition, offset });
  });
  return found;
}

/** A log that can remove single records, as that of a folder can; on Kafka records go with their topic's retention. */
type ErasableLog = RecordLog & Pick<FolderRecordLog, "erase">;

function isErasable(log: RecordLog): log is ErasableLog {
  return "erase" in log;
}

/**
 * Removes the announcements of forgotten photos where the log can, as far as they are done: one that is still to be read would
 * be missed. Vectors go from such a log anyway, once they are in the table.
 */
export async function eraseAnnouncements(access: MessageAccess, forgotten: ForgottenPhotos): Promise<void> {
  const { log, topics, admin } = access;
  if (!isErasable(log)) return;
  const committed = offsetMap(await admin.committedOffsets(FEATURIZER_GROUP, topics.photos));
  const isDone = ({ partition, offset }: PartitionOffset) => offset < (committed.get(partition) ?? 0);
  const found = (await findRecords(access, topics.photos, forgotten)).filter(isDone);
  // Letters that were removed may have left something in the file, even where there is no announcement.
  log.erase(topics.photos, found);
}
