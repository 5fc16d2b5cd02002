import { FruitstreamError } from "#lib/runtime/errors.ts";
import { partitionsAppId, TableProgress } from "#lib/table/table-progress.ts";
import { flushTable } from "#ops/flush/flush-table.ts";
import { requireTopic } from "#ops/pipeline/pipeline-access.ts";
import { noteInTable } from "./note-in-table.ts";
import type { TopicsDeps } from "./topics-deps.ts";

export interface ResizeOptions {
  /** Of each of the topics. */
  readonly partitions: number;
  readonly topics: readonly ("photos" | "features")[];
  /** Changes nothing, and says what would be done. */
  readonly isDryRun: boolean;
  /** How long the table may stand still while the reducers commit what they have. */
  readonly stallSeconds: number;
}

export interface ResizedTopic {
  readonly topic: string;
  readonly before: number;
  readonly after: number;
}

/**
 * Adds partitions to the topics of vectors and of photos. Vectors first: the reducers, which are at work meanwhile, commit
 * all of the partitions that are there, then the topic gets the others, then the table is told to count on them. What is
 * interrupted is finished by running it again. Nothing is lost or doubled by it, whatever was frozen before and wakes up
 * after it (docs/decisions/021).
 *
 * @throws usage when featurizers are at work, when a number is no multiple of the present one, or when the topics are not
 * as the table knows them; stack-unavailable when no reducer commits; the signal's reason.
 */
export async function resizeTopics(
  deps: TopicsDeps,
  options: ResizeOptions,
  signal: AbortSignal,
): Promise<ResizedTopic[]> {
  await deps.table.advance();
  const resized: ResizedTopic[] = [];
  if (options.topics.includes("features")) resized.push(await resizeFeatures(deps, options, signal));
  if (options.topics.includes("photos")) resized.push(await resizePhotos(deps, options));
  return resized;
}

async function resizeFeatures(deps: TopicsDeps, options: ResizeOptions, signal: AbortSignal): Promise<ResizedTopic> {
  const { admin, table, topics, note } = deps;
  const { partitions, isDryRun } = options;
  const topic = topics.features;
  const has = await requireTopic(admin, topic);
  const noted = () => table.snapshot.txnVersions.get(partitionsAppId(topic));
  if (noted() === undefined && !isDryRun) {
    await requireNoFeaturizer(deps);
    // Reducers note what they began with by their first commit, which one marker brings about.
    note(`waiting for the table's first commit of "${topic}" …`);
    await drain(deps, 1, options, signal);
  }
  const counted = noted() ?? has;
  const done = { topic, before: counted, after: partitions };
  if (counted === partitions && has === partitions) return done;
  requireMultiple(topic, counted, partitions);
  if (has !== counted && has !== partitions) {
    const problem = `"${topic}" has ${has} partitions and the table counts on ${counted}`;
    throw new FruitstreamError("usage", `${problem}: finish that first, with --partitions ${has}`);
  }
  await requireNoFeaturizer(deps);
  if (isDryRun) return done;

  note(`waiting until the table has every vector of ${counted} partitions of "${topic}" …`);
  await drain(deps, counted, options, signal);
  if (has < partitions) await admin.addPartitions(topic, partitions);
  // One that has joined meanwhile may have published by the former number since.
  await requireNoFeaturizer(deps);
  await untilPast(deps, counted, options, signal);
  await noteInTable(table, "RESIZE TOPIC", new Map([[partitionsAppId(topic), partitions]]));
  note(`"${topic}" has ${partitions} partitions, and the table counts on them`);
  return done;
}

/** By markers, which have windows committed at once. The table notes its partitions with what it commits, if it had not. */
async function drain(deps: TopicsDeps, partitions: number, { stallSeconds }: ResizeOptions, signal: AbortSignal) {
  const { table, topics } = deps;
  await flushTable({ ...deps, featuresTopic: topics.features, partitions }, stallSeconds, signal);
  if (table.snapshot.txnVersions.has(partitionsAppId(topics.features))) return;
  const problem = "the reducers at work are of a version that can't read added partitions";
  throw new FruitstreamError("usage", `${problem}; run this version of them, then this command again`);
}

/** Once more, where something has come before the partitions were added. */
async function untilPast(deps: TopicsDeps, partitions: number, options: ResizeOptions, signal: AbortSignal) {
  const { admin, table, topics } = deps;
  const ends = await admin.endOffsets(topics.features);
  await table.advance();
  const progress = new TableProgress(topics.features, table.snapshot.txnVersions);
  const behind = ends.some(
    ({ partition, offset }) => partition < partitions && progress.nextOffset(partition) < offset,
  );
  if (behind) await drain(deps, partitions, options, signal);
}

/** A key moves with the number of partitions; by a multiple it moves to added ones only, which reducers notice. */
async function resizePhotos(
  { admin, topics, note }: TopicsDeps,
  { partitions, isDryRun }: ResizeOptions,
): Promise<ResizedTopic> {
  const topic = topics.photos;
  const before = await requireTopic(admin, topic);
  if (before !== partitions) requireMultiple(topic, before, partitions);
  if (before !== partitions && !isDryRun) {
    await admin.addPartitions(topic, partitions);
    note(`"${topic}" has ${partitions} partitions`);
  }
  return { topic, before, after: partitions };
}

function requireMultiple(topic: string, before: number, partitions: number): void {
  if (partitions > before && partitions % before === 0) return;
  const examples = `${2 * before}, ${3 * before}, …`;
  const problem = `"${topic}" has ${before} partitions and can be given a multiple of them (${examples}), not ${partitions}`;
  throw new FruitstreamError("usage", problem);
}

async function requireNoFeaturizer({ admin, featurizerGroup }: TopicsDeps): Promise<void> {
  const members = await admin.memberCount(featurizerGroup);
  if (members === 0) return;
  const problem = `consumer group "${featurizerGroup}" has ${members} members, which publish by the present number`;
  throw new FruitstreamError(
    "usage",
    `${problem}: stop all featurizers, wait for their session (30 s by default) if one was killed, and run this again; reducers stay`,
  );
}
