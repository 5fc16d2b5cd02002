import type { LogAdmin } from "#lib/log/record-log.ts";
import type { Topics } from "#lib/messages/topics.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { tablePropertiesOf } from "#lib/table/delta/table-properties.ts";
import { formatTableUri } from "#lib/table/table-location.ts";

const DAY_MS = 86_400_000;
/** How much later than its retention a record may go: Kafka removes whole segments, of a day where we made the topic. */
const SEGMENT_MS = DAY_MS;

/**
 * When traces that go with time will have gone, by the place, as the places are configured now: topics by their retention;
 * files of older versions, and the log that names them, by the table's properties, once they are vacuumed and cleaned.
 *
 * @returns ISO times; null where nothing ever goes.
 */
export async function goneByOf(
  table: DeltaTable,
  logs: readonly { readonly admin: Pick<LogAdmin, "topicSafety">; readonly topics: Topics }[],
): Promise<Record<string, string | null>> {
  const nowMs = table.clock.nowMs();
  const after = (ms: number) => new Date(nowMs + ms).toISOString();
  const properties = tablePropertiesOf(table.snapshot.metadata, formatTableUri(table.location));
  const goneBy: Record<string, string | null> = {
    "files of older versions": after(properties.deletedFileRetentionMs),
    "table log": properties.mayCleanLog ? after(properties.logRetentionMs + DAY_MS) : null,
  };
  for (const { admin, topics } of logs) {
    for (const { topic, cleanupPolicy, retentionMs } of await admin.topicSafety([topics.photos, topics.features])) {
      const isKept = retentionMs < 0 || !cleanupPolicy.includes("delete");
      goneBy[`topic ${topic}`] = isKept ? null : after(retentionMs + SEGMENT_MS);
    }
  }
  return goneBy;
}
