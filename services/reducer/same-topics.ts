import { offsetMap } from "#lib/log/partition-offsets.ts";
import type { PartitionOffset } from "#lib/log/record-log.ts";
import type { Topics } from "#lib/messages/topics.ts";
import { systemClock } from "#lib/runtime/clock.ts";
import { FruitstreamError, fateOf } from "#lib/runtime/errors.ts";
import { waitWithin } from "#lib/runtime/wait-within.ts";
import { highWaterMarksOf, partitionsAppId, TableProgress } from "#lib/table/table-progress.ts";

/** Topics of another name have offsets and marks of their own, and the table knows the photos that it has. */
const REMEDY =
  "Stop all services, set TOPIC_PREFIX to a new name for each of them (the table stays) and announce the photos again: those that the table has are dropped";

/** A log that has a partition away tries for longer. */
const ENDS_MS_MAX = 3_000;

/** What is asked of the topics at each assignment. */
export interface SameTopicsDeps {
  readonly featuresPartitions: () => Promise<number | undefined>;
  readonly featuresEnds: () => Promise<PartitionOffset[]>;
  readonly sourceEnds: () => Promise<PartitionOffset[]>;
}

export interface SameTopicsOptions {
  readonly topics: Topics;
  /** Partitions of the features topic when this process began. */
  readonly featuresPartitions: number;
}

/**
 * Makes sure that the topics are those that the table was made from, before anything of them is read: offsets and marks
 * mean nothing in others, and records would be dropped or passed over in silence.
 *
 * A partition that is away tells no end. Then the ends are not compared at this assignment: its records wait, and those of
 * the other partitions must not.
 *
 * @throws invalid-table or invalid-config when they are others; broker-unavailable.
 */
export async function requireSameTopics(
  txnVersions: ReadonlyMap<string, number>,
  deps: SameTopicsDeps,
  options: SameTopicsOptions,
): Promise<void> {
  requireSamePartitions(txnVersions, await deps.featuresPartitions(), options);
  const { features, photos } = options.topics;
  const progress = new TableProgress(features, txnVersions);
  const [ends, sourceEndList] = await Promise.all([endsOrNone(deps.featuresEnds), endsOrNone(deps.sourceEnds)]);
  for (const { partition, offset: end } of ends) {
    const next = progress.nextOffset(partition);
    if (next > end) throw createdAnew(features, partition, end, `the table has all up to ${next}`);
  }
  const sourceEnds = offsetMap(sourceEndList);
  for (const { run, partition, mark } of highWaterMarksOf(txnVersions, photos)) {
    const end = sourceEnds.get(partition);
    if (end === undefined || mark <= end) continue;
    throw createdAnew(photos, partition, end, `the table has all up to ${mark} of run "${run}"`);
  }
}

/** A source partition's vectors lie on one features partition, by the number of them; that order is what repeats are told by. */
function requireSamePartitions(
  txnVersions: ReadonlyMap<string, number>,
  count: number | undefined,
  { topics: { features }, featuresPartitions }: SameTopicsOptions,
): void {
  const noted = txnVersions.get(partitionsAppId(features)) ?? featuresPartitions;
  if (count !== undefined && count === noted && count === featuresPartitions) return;
  const has = count === undefined ? "does not exist any more" : `has ${count} partitions`;
  throw new FruitstreamError(
    "invalid-config",
    `topic "${features}" ${has}, and the table was made from ${noted}: its vectors would be read out of order and lost. nothing of it was read. ${REMEDY}`,
  );
}

async function endsOrNone(ask: () => Promise<PartitionOffset[]>): Promise<PartitionOffset[]> {
  const asked = ask().catch((error) => {
    if (fateOf(error) !== "retry") throw error;
    return [];
  });
  return (await waitWithin(systemClock, ENDS_MS_MAX, asked)) ? asked : [];
}

function createdAnew(topic: string, partition: number, end: number, has: string): FruitstreamError {
  return new FruitstreamError(
    "invalid-table",
    `"${topic}" partition ${partition} ends at offset ${end}, but ${has}: the topic was deleted and created anew, and what it has now would be taken for repeats. ${REMEDY}`,
  );
}
