import { offsetMap } from "#lib/log/partition-offsets.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import {
  highWaterMarksOf,
  partitionsAppId,
  TableProgress,
  topicAppId,
  topicNumber,
} from "#lib/table/table-progress.ts";
import { requireTopic } from "#ops/pipeline/pipeline-access.ts";
import { noteInTable } from "./note-in-table.ts";
import type { TopicsDeps } from "./topics-deps.ts";

/** What the table goes on with. */
interface AdoptedTopic {
  readonly topic: string;
  readonly id: string;
  /** Whether the table knew it by this id already. */
  readonly wasKnown: boolean;
}

/**
 * Has the table go on with topics that are others than those it was made from: copies with the same records at the same
 * offsets, as on the cluster that a pipeline has moved to. That they are is the caller's word; what can be seen is checked.
 *
 * @throws usage when a topic is missing, has other partitions, or ends before what the table has of it, or when brokers
 * tell no ids, since nothing has to be adopted then.
 */
export async function adoptTopics(deps: Omit<TopicsDeps, "producer" | "featurizerGroup">, isDryRun: boolean) {
  const { admin, table, topics } = deps;
  await table.advance();
  const { txnVersions } = table.snapshot;
  const ids = await admin.topicIds([topics.photos, topics.features]);
  const adopted: AdoptedTopic[] = [];
  for (const topic of [topics.photos, topics.features]) {
    const partitions = await requireTopic(admin, topic);
    const id = ids.get(topic);
    if (id === undefined) {
      throw new FruitstreamError("usage", `the brokers tell no id of "${topic}", so that the table goes on with any`);
    }
    adopted.push({ topic, id, wasKnown: txnVersions.get(topicAppId(topic)) === topicNumber(id) });
    const counted = txnVersions.get(partitionsAppId(topic));
    if (topic === topics.features && counted !== undefined && counted !== partitions) {
      throw noCopy(topic, `it has ${partitions} partitions, and the table counts on ${counted}`);
    }
  }
  await requireReached(deps);
  if (!isDryRun) {
    const notes = adopted.map(({ topic, id }): [string, number] => [topicAppId(topic), topicNumber(id)]);
    await noteInTable(table, "ADOPT TOPICS", new Map(notes));
  }
  return adopted;
}

async function requireReached({ admin, table, topics }: Pick<TopicsDeps, "admin" | "table" | "topics">): Promise<void> {
  const { txnVersions } = table.snapshot;
  const progress = new TableProgress(topics.features, txnVersions);
  for (const { partition, offset } of await admin.endOffsets(topics.features)) {
    const next = progress.nextOffset(partition);
    if (next > offset)
      throw noCopy(topics.features, `partition ${partition} ends at ${offset}, and the table is at ${next}`);
  }
  const ends = offsetMap(await admin.endOffsets(topics.photos));
  for (const { partition, mark } of highWaterMarksOf(txnVersions, topics.photos)) {
    const end = ends.get(partition) ?? 0;
    if (mark > end) throw noCopy(topics.photos, `partition ${partition} ends at ${end}, and the table is at ${mark}`);
  }
}

function noCopy(topic: string, problem: string): FruitstreamError {
  const remedy =
    "set TOPIC_PREFIX to a new name for every service and announce the photos again; those in the table are dropped";
  return new FruitstreamError("usage", `"${topic}" is no copy that has kept every offset: ${problem}; ${remedy}`);
}
