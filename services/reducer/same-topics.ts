import { offsetMap } from "#lib/log/partition-offsets.ts";
import type { LogAdmin, PartitionOffset } from "#lib/log/record-log.ts";
import type { Topics } from "#lib/messages/topics.ts";
import { systemClock } from "#lib/runtime/clock.ts";
import { FruitstreamError, fateOf } from "#lib/runtime/errors.ts";
import { waitWithin } from "#lib/runtime/wait-within.ts";
import {
  highWaterMarksOf,
  partitionsAppId,
  TableProgress,
  topicAppId,
  topicNumber,
} from "#lib/table/table-progress.ts";

/** Topics of another name have offsets and marks of their own, and the table knows the photos that it has. */
const REMEDY =
  "Stop all services, set TOPIC_PREFIX to a new name for each of them (the table stays) and announce the photos again: those that the table has are dropped";

/** A log that has a partition away tries for longer. */
const ENDS_MS_MAX = 3_000;

/** What is asked of the topics. */
export type SameTopicsDeps = Pick<LogAdmin, "partitionCount" | "topicIds" | "endOffsets">;

export interface SameTopicsOptions {
  readonly topics: Topics;
  /** Partitions of the features topic when this process began. */
  readonly featuresPartitions: number;
}

/** The topics as they are at an assignment. */
export interface TopicsNow {
  /** Those that the table counts on; more are read once `topics resize` has noted them. */
  readonly featuresPartitions: number;
  readonly hasMoreFeatures: boolean;
  readonly photosPartitions: number;
  /** A photo version of source partition s may be announced again on any p that equals s modulo this. */
  readonly sharedBy: number;
  /** Beside offsets and marks, what the table is to say of the topics from its next commit on. */
  readonly notes: ReadonlyMap<string, number>;
}

/**
 * Makes sure that the topics are those that the table was made from, before anything of them is read: offsets and marks
 * mean nothing in others, and records would be dropped or passed over in silence.
 *
 * Topics are told by their ids, which the table notes with its first commit, or with the first of a version that does so.
 * Where brokers tell no ids, and of a table without the note, ends below the table's offsets and marks say it; a partition
 * that is away tells no end, and then they are not compared at this assignment: its records wait, and those of the other
 * partitions must not.
 *
 * @throws invalid-table or invalid-config when they are others; broker-unavailable.
 */
export async function requireSameTopics(
  txnVersions: ReadonlyMap<string, number>,
  deps: SameTopicsDeps,
  options: SameTopicsOptions,
): Promise<TopicsNow> {
  const { features, photos } = options.topics;
  const [featuresCount, photosCount] = await Promise.all([deps.partitionCount(features), deps.partitionCount(photos)]);
  const featuresPartitions = requireSamePartitions(txnVersions, featuresCount, options);
  // Where the topic of photos is gone, nothing is added to it either.
  const photosPartitions = photosCount ?? Number.POSITIVE_INFINITY;
  const ids = await requireSameIds(txnVersions, deps, options.topics);
  await requireReachedEnds(txnVersions, deps, options.topics);
  const partitions: [string, number][] = [[partitionsAppId(features), featuresPartitions]];
  if (photosCount !== undefined) partitions.push([partitionsAppId(photos), photosCount]);
  const notes = new Map([...partitions, ...ids].filter(([appId]) => !txnVersions.has(appId)));
  const photosFirst = txnVersions.get(partitionsAppId(photos)) ?? photosPartitions;
  const isRaised = photosCount !== undefined && photosCount !== photosFirst;
  // Keys move with the number of partitions: from s to one that equals it modulo what both numbers are multiples of.
  const sharedBy = isRaised ? gcd(featuresPartitions, gcd(photosFirst, photosPartitions)) : featuresPartitions;
  const hasMoreFeatures = featuresCount !== featuresPartitions;
  return { featuresPartitions, hasMoreFeatures, photosPartitions, sharedBy, notes };
}

/**
 * The part that tells topics which were created anew while their records were read.
 *
 * @returns what the table notes of the topics.
 * @throws invalid-table when one is another; broker-unavailable.
 */
export async function requireSameIds(
  txnVersions: ReadonlyMap<string, number>,
  admin: Pick<LogAdmin, "topicIds">,
  { features, photos }: Topics,
): Promise<[appId: string, version: number][]> {
  const ids = await admin.topicIds([features, photos]);
  return [...ids].map(([topic, id]) => {
    const appId = topicAppId(topic);
    const noted = txnVersions.get(appId);
    if (noted !== undefined && noted !== topicNumber(id)) throw another(topic, id);
    return [appId, topicNumber(id)];
  });
}

/**
 * A source partition's vectors lie on one features partition, by the number of them; that order is what repeats are told by.
 * Where the number was multiplied, those that the table counts on have the same source partitions as before, or fewer of
 * them, and can be read on until the others are noted.
 *
 * @returns how many the table counts on.
 */
function requireSamePartitions(
  txnVersions: ReadonlyMap<string, number>,
  count: number | undefined,
  { topics: { features }, featuresPartitions }: SameTopicsOptions,
): number {
  const noted = txnVersions.get(partitionsAppId(features)) ?? featuresPartitions;
  if (count !== undefined && count >= noted && count % noted === 0) return noted;
  const has = count === undefined ? "does not exist any more" : `has ${count} partitions`;
  throw new FruitstreamError(
    "invalid-config",
    `topic "${features}" ${has}, and the table was made from ${noted}: its vectors would be read out of order and lost. nothing of it was read. ${REMEDY}`,
  );
}

async function requireReachedEnds(
  txnVersions: ReadonlyMap<string, number>,
  admin: Pick<LogAdmin, "endOffsets">,
  { features, photos }: Topics,
): Promise<void> {
  const progress = new TableProgress(features, txnVersions);
  const [ends, sourceEndList] = await Promise.all([
    endsOrNone(admin.endOffsets(features)),
    endsOrNone(admin.endOffsets(photos)),
  ]);
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

async function endsOrNone(ends: Promise<PartitionOffset[]>): Promise<PartitionOffset[]> {
  const asked = ends.catch((error) => {
    if (fateOf(error) !== "retry") throw error;
    return [];
  });
  return (await waitWithin(systemClock, ENDS_MS_MAX, asked)) ? asked : [];
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

function createdAnew(topic: string, partition: number, end: number, has: string): FruitstreamError {
  return new FruitstreamError(
    "invalid-table",
    `"${topic}" partition ${partition} ends at offset ${end}, but ${has}: the topic was deleted and created anew, and what it has now would be taken for repeats. ${REMEDY}`,
  );
}

function another(topic: string, id: string): FruitstreamError {
  const problem = `"${topic}" (id ${id}) is not the topic of that name that the table was made from: it was deleted and created anew, or is on another cluster, and the table's offsets mean nothing in it`;
  const copy =
    "If it is a copy that has kept every offset, run: fruitstream topics adopt --table …, which has the table go on with it";
  return new FruitstreamError("invalid-table", `${problem}. ${REMEDY}. ${copy}`);
}
