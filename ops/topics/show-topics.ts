import { partitionsAppId, topicAppId, topicNumber } from "#lib/table/table-progress.ts";
import type { TopicsDeps } from "./topics-deps.ts";

/** A topic, and what the table says of it. */
export interface ShownTopic {
  readonly topic: string;
  /** Null where there is no such topic. */
  readonly partitions: number | null;
  /** Records appended so far, expired ones among them. */
  readonly records: number;
  /** Null where brokers tell no ids. */
  readonly id: string | null;
  /** Those that the table counts on; null before its first commit. */
  readonly tablePartitions: number | null;
  /** Whether the table was made from this topic of that name; null where it does not say, or brokers tell no ids. */
  readonly isOfTable: boolean | null;
}

/** The topics of photos and of vectors. Nothing is changed. */
export async function showTopics({ topics, admin, table }: Omit<TopicsDeps, "producer" | "featurizerGroup" | "note">) {
  await table.advance();
  const { txnVersions } = table.snapshot;
  const ids = await admin.topicIds([topics.photos, topics.features]);
  const shown: ShownTopic[] = [];
  for (const topic of [topics.photos, topics.features]) {
    const partitions = (await admin.partitionCount(topic)) ?? null;
    const ends = partitions === null ? [] : await admin.endOffsets(topic);
    const id = ids.get(topic) ?? null;
    const number = txnVersions.get(topicAppId(topic));
    shown.push({
      topic,
      partitions,
      records: ends.reduce((sum, { offset }) => sum + offset, 0),
      id,
      tablePartitions: txnVersions.get(partitionsAppId(topic)) ?? null,
      isOfTable: id === null || number === undefined ? null : number === topicNumber(id),
    });
  }
  return shown;
}
