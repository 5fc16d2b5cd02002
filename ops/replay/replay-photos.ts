import { availableParallelism } from "node:os";
import { offsetMap } from "#lib/log/partition-offsets.ts";
import type { LogRecord, PartitionOffset } from "#lib/log/record-log.ts";
import { ForgottenTopic } from "#lib/messages/forgotten-topic.ts";
import { loadModelFolder } from "#lib/model/model-folder.ts";
import { systemClock } from "#lib/runtime/clock.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { openTable } from "#lib/table/open-table.ts";
import { formatTableUri, parseTableUri } from "#lib/table/table-location.ts";
import { knownAppId, TableProgress } from "#lib/table/table-progress.ts";
import { summarisePartitions } from "#lib/table/table-summary.ts";
import { flushTable, STALL_SECONDS } from "#ops/flush/flush-table.ts";
import { photoOfRecord } from "#ops/forget/read-photo-uri.ts";
import { type PipelineAccess, requireTopic } from "#ops/pipeline/pipeline-access.ts";
import { runServiceToEnd } from "#ops/services/run-service.ts";
import { serviceEnvironment } from "#ops/services/service-environment.ts";
import { readDeadLetteredPositions } from "./dead-lettered-positions.ts";
import type { OnReplayProgress } from "./replay-counts.ts";
import { type ReplayCounts, totalOf, unaccountedOf } from "./replay-counts.ts";
import { type ReplayBound, type ReplayRange, resolveRanges } from "./replay-range.ts";
import { continueRanges, noteStarts, type ReplayName, readStarts } from "./replay-start.ts";

export interface PhotoReplay {
  readonly run: string;
  readonly modelFolder: string;
  readonly tableUri: string;
  /** Undefined begins at the earliest photo, or goes on with a replay that was begun. */
  readonly from: ReplayBound | undefined;
  /** Undefined ends with the newest photo of this moment. */
  readonly to: ReplayBound | undefined;
  /** The part of the cores that may be used, above 0 and up to 1. */
  readonly share: number;
  readonly logFile: string | undefined;
}

/** Lower than what live services have, so that these get the cores first. */
const NICE = 10;
/** As many as a featurizer may decode at once. */
const DECODES_MAX = 64;
const LOOK_MS = 1_000;

/**
 * Featurizes photos once more, as a run of their own, beside the live ones. Live photos come first: the replay has a
 * bounded number of threads, and a lower priority. Reducers must be at work on the table.
 *
 * @returns what became of the photos that were left to replay; repeated calls add nothing to what is done.
 */
export async function replayPhotos(
  access: PipelineAccess,
  replay: PhotoReplay,
  signal: AbortSignal,
  onProgress: OnReplayProgress = () => undefined,
): Promise<ReplayCounts> {
  const { admin, producer, store, topics } = access;
  await requireTopic(admin, topics.photos);
  const model = await loadModelFolder(replay.modelFolder);
  const table = await openTable(store, parseTableUri(replay.tableUri));
  const flush = () => flushTable({ admin, producer, table, featuresTopic: topics.features }, STALL_SECONDS, signal);
  const bound = replay.from ?? { kind: "earliest" };
  const wanted = await resolveRanges(admin, topics.photos, bound, replay.to);
  const plan = await planRanges(access, table, replay, wanted, model.id);
  // What an interrupted replay has published must count as done before, and without reducers nothing would ever be.
  await flush();

  await begin(access, table, replay.run, plan);
  const { ranges } = plan;
  const before = stateOf(table, replay.run, topics.photos, ranges);
  await featurize(access, replay, ranges, signal, onProgress);
  await flush();
  const after = stateOf(table, replay.run, topics.photos, ranges);
  return await countPhotos(access, nameOf(replay.run, topics.photos), ranges, before, after);
}

interface Plan {
  readonly ranges: readonly ReplayRange[];
  /** For the table to note, where it has no note yet. */
  readonly toNote: readonly PartitionOffset[];
  /** For the group to commit, where it has committed nothing yet. */
  readonly toCommit: readonly PartitionOffset[];
}

/** Where the run begins or goes on. Changes nothing; refuses what would lose photos without a word. */
async function planRanges(
  { admin, topicPrefix, topics }: PipelineAccess,
  table: DeltaTable,
  replay: PhotoReplay,
  wanted: readonly ReplayRange[],
  modelId: string,
): Promise<Plan> {
  requireSameModel(table, replay.run, modelId);
  const name = nameOf(replay.run, topics.photos);
  const begun = readStarts(table, name);
  const committed = offsetMap(await admin.committedOffsets(groupOf(topicPrefix, replay.run), topics.photos));
  if (begun.size === 0 && committed.size > 0) {
    const problem = `${name.title} was replayed, but ${formatTableUri(table.location)} does not know of it`;
    const remedy = "name the table that has it, copy its vectors with --topic features, or choose another run";
    throw new FruitstreamError("usage", `${problem}; ${remedy}`);
  }
  const ranges = continueRanges(name, wanted, replay.from !== undefined, begun, committed);
  const starts = ranges.map(({ partition, from }) => ({ partition, offset: from }));
  return {
    ranges,
    toNote: starts.filter(({ partition }) => !begun.has(partition)),
    toCommit: starts.filter(({ partition }) => !committed.has(partition)),
  };
}

/** The note comes first: a run that has one and no committed offsets begins where the note says. */
async function begin(
  { admin, topicPrefix, topics }: PipelineAccess,
  table: DeltaTable,
  run: string,
  { toNote, toCommit }: Plan,
): Promise<void> {
  await noteStarts(table, nameOf(run, topics.photos), toNote);
  if (toCommit.length > 0) await admin.commitOffsets(groupOf(topicPrefix, run), topics.photos, toCommit);
}

/** High-water marks are kept by run: vectors of another model would be taken for repeats, and dropped. */
function requireSameModel(table: DeltaTable, run: string, modelId: string): void {
  const other = summarisePartitions(table.snapshot).find((part) => part.run === run && part.model !== modelId);
  if (!other) return;
  const problem = `run "${run}" has rows of model ${other.model}, this one is ${modelId}`;
  throw new FruitstreamError("usage", `${problem}; name a run of its own for it`);
}

/** Runs the featurizer until the ranges are done, and tells how far it is. */
async function featurize(
  { admin, env, endpoints, topicPrefix, topics }: PipelineAccess,
  replay: PhotoReplay,
  ranges: readonly ReplayRange[],
  signal: AbortSignal,
  onProgress: OnReplayProgress,
): Promise<void> {
  const total = totalOf(ranges);
  if (total === 0) return;
  const workers = Math.max(1, Math.floor(availableParallelism() * replay.share));
  const group = groupOf(topicPrefix, replay.run);
  const childEnv = serviceEnvironment("featurizer", env, {
    ...endpoints,
    httpPort: 0,
    topicPrefix,
    modelDir: replay.modelFolder,
    run: replay.run,
    group,
    until: ranges.map(({ partition, to }) => ({ partition, offset: to })),
    workers,
    decodesMax: Math.min(workers, DECODES_MAX),
    nice: NICE,
  });
  const ended = new AbortController();
  const watching = (async () => {
    for (;;) {
      await systemClock.sleep(LOOK_MS, ended.signal);
      const committed = offsetMap(await admin.committedOffsets(group, topics.photos));
      const done =
        total - totalOf(ranges.map(({ partition, from, to }) => ({ from: committed.get(partition) ?? from, to })));
      onProgress({ done, total });
    }
  })().catch(() => undefined);
  try {
    const service = { name: "the featurizer", kind: "featurizer", env: childEnv, log: replay.logFile } as const;
    await runServiceToEnd(service, signal);
  } finally {
    ended.abort();
    await watching;
  }
}

interface RunState {
  readonly rows: number;
  /** Vectors of these partitions that were dropped since the run had their photo versions. */
  readonly known: number;
  /** Below it, by partition, photos are in the table or dead-lettered. */
  readonly highWaterMarks: ReadonlyMap<number, number>;
}

function stateOf(table: DeltaTable, run: string, sourceTopic: string, ranges: readonly ReplayRange[]): RunState {
  const { txnVersions } = table.snapshot;
  const progress = new TableProgress("", txnVersions);
  const ofRun = summarisePartitions(table.snapshot).filter((part) => part.run === run);
  const positionOf = (sourcePartition: number) => ({ run, sourceTopic, sourcePartition, sourceOffset: 0 });
  return {
    rows: ofRun.reduce((sum, { rows }) => sum + rows, 0),
    known: sumOf(ranges.map(({ partition }) => progress.get(knownAppId(positionOf(partition))) ?? 0)),
    highWaterMarks: new Map(ranges.map(({ partition }) => [partition, progress.highWaterMark(positionOf(partition))])),
  };
}

async function countPhotos(
  access: PipelineAccess,
  name: ReplayName,
  ranges: readonly ReplayRange[],
  before: RunState,
  after: RunState,
): Promise<ReplayCounts> {
  const letters = await readDeadLetteredPositions(access, name, ranges);
  // What the run has had before ends at its mark; from there on it is read.
  const unread = ranges.map((range) => {
    const mark = before.highWaterMarks.get(range.partition)!;
    return { ...range, from: Math.max(range.from, Math.min(range.to, mark)) };
  });
  const repeats = ranges.map(({ partition, from }, index) => {
    const mark = unread[index]!.from;
    return mark - from - [...letters.get(partition)!].filter((offset) => offset < mark).length;
  });
  const counts = {
    records: totalOf(ranges),
    rows: after.rows - before.rows,
    known: after.known - before.known,
    repeats: sumOf(repeats),
    deadLetters: sumOf([...letters.values()].map(({ size }) => size)),
    forgotten: 0,
    markers: 0,
  };
  if (unaccountedOf(counts) <= 0) return counts;
  return { ...counts, ...(await countUnaccounted(access, name.topic, unread)) };
}

/**
 * Records whose photos are forgotten, and offsets that no record has: markers of transactions, and what was aborted or
 * compacted. Not what has expired.
 */
async function countUnaccounted(
  { log, admin, schemas, topics, logger }: PipelineAccess,
  topic: string,
  ranges: readonly ReplayRange[],
): Promise<Pick<ReplayCounts, "forgotten" | "markers">> {
  const list = new ForgottenTopic({ topic: topics.forgotten, log, admin, logger });
  await list.refresh();
  const hasForgotten = list.photos.rules.length > 0;
  const earliest = offsetMap(await admin.earliestOffsets(topic));
  const kept = new Map(
    ranges.map((range) => [
      range.partition,
      { ...range, from: Math.max(range.from, earliest.get(range.partition) ?? 0) },
    ]),
  );
  let [records, forgotten] = [0, 0];
  const count = async ({ partition, offset, value }: LogRecord) => {
    const range = kept.get(partition);
    if (!(range && offset >= range.from && offset < range.to)) return;
    records += 1;
    const photo = hasForgotten ? await photoOfRecord(value, schemas) : undefined;
    if (photo && list.photos.has(photo.uri, photo.announcedAtMs)) forgotten += 1;
  };
  await log.readTopic(topic, count, new Map([...kept].map(([partition, { from }]) => [partition, from])));
  const markers = sumOf([...kept.values()].map(({ from, to }) => Math.max(0, to - from))) - records;
  return { forgotten, markers };
}

function nameOf(run: string, topic: string): ReplayName {
  return { title: `run "${run}"`, run, topic };
}

function groupOf(topicPrefix: string, run: string): string {
  return `${topicPrefix}replay.${run}`;
}

function sumOf(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}
