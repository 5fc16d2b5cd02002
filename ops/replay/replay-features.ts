import { readConfig } from "#lib/runtime/config.ts";
import type { ServiceMessage } from "#lib/runtime/service-message.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { openTable } from "#lib/table/open-table.ts";
import { askedPartitioning, partitioningConfig } from "#lib/table/partitioning.ts";
import { formatTableUri, parseTableUri } from "#lib/table/table-location.ts";
import { TableProgress } from "#lib/table/table-progress.ts";
import { countRows } from "#lib/table/table-summary.ts";
import { type PipelineAccess, requireTopic } from "#ops/pipeline/pipeline-access.ts";
import { runServiceToEnd } from "#ops/services/run-service.ts";
import { serviceEnvironment } from "#ops/services/service-environment.ts";
import { readDeadLetteredPositions } from "./dead-lettered-positions.ts";
import type { OnReplayProgress } from "./replay-counts.ts";
import { type ReplayCounts, totalOf } from "./replay-counts.ts";
import { type ReplayBound, type ReplayRange, resolveRanges } from "./replay-range.ts";
import { continueRanges, noteStarts, type ReplayName, readStarts } from "./replay-start.ts";

export interface VectorReplay {
  /** The table to build; created when it is not there. */
  readonly tableUri: string;
  /** Undefined begins at the earliest vector, or goes on with what the table has. */
  readonly from: ReplayBound | undefined;
  /** Undefined ends with the newest vector of this moment. */
  readonly to: ReplayBound | undefined;
  readonly logFile: string | undefined;
}

/** As for photos: whoever works on live vectors comes first. */
const NICE = 10;

/**
 * Builds a table from the vectors that `features` still has, without any inference, by a reducer with a group of its
 * own. Vectors of all runs are taken, with the run and the model that they carry.
 */
export async function replayFeatures(
  access: PipelineAccess,
  replay: VectorReplay,
  signal: AbortSignal,
  onProgress: OnReplayProgress = () => undefined,
): Promise<ReplayCounts> {
  const { admin, store, topics } = access;
  await requireTopic(admin, topics.features);
  const location = parseTableUri(replay.tableUri);
  const bound = replay.from ?? { kind: "earliest" };
  const wanted = await resolveRanges(admin, topics.features, bound, replay.to);
  await store.ensureBucket(location.bucket);
  const partitioning = askedPartitioning(readConfig(partitioningConfig, access.env));
  const table = await openTable(store, location, { createIfAbsent: true, partitioning });
  const name: ReplayName = { title: formatTableUri(location), run: "", topic: topics.features };
  const ranges = await beginRanges(table, name, wanted, replay.from !== undefined);

  const rowsBefore = countRows(table.snapshot);
  const { known, repeats, forgotten, markers } = await reduce(access, replay, ranges, signal, onProgress);
  await table.advance();
  const letters = await readDeadLetteredPositions(access, name, ranges);
  return {
    records: totalOf(ranges),
    rows: countRows(table.snapshot) - rowsBefore,
    known,
    repeats,
    deadLetters: [...letters.values()].reduce((sum, { size }) => sum + size, 0),
    forgotten,
    markers,
  };
}

/** A table that has no vectors of a partition is told where they begin, so that its reducer reads from there. */
async function beginRanges(
  table: DeltaTable,
  name: ReplayName,
  wanted: readonly ReplayRange[],
  isFromNamed: boolean,
): Promise<ReplayRange[]> {
  const progress = new TableProgress(name.topic, table.snapshot.txnVersions);
  const reached = wanted.flatMap(({ partition }) => {
    const offset = progress.get(progress.offsetAppId(partition));
    return offset === undefined ? [] : [[partition, offset] as const];
  });
  const done = new Map(reached);
  const ranges = continueRanges(name, wanted, isFromNamed, readStarts(table, name), done);
  const starts = ranges.map(({ partition, from }) => ({ partition, offset: from }));
  await noteStarts(
    table,
    name,
    starts.filter(({ partition }) => !done.has(partition)),
    ({ partition, offset }) => [{ appId: progress.offsetAppId(partition), version: offset }],
  );
  return ranges;
}

/** Runs the reducer until the table has the ranges. Returns what only it knows. */
async function reduce(
  { env, endpoints, topicPrefix }: PipelineAccess,
  replay: VectorReplay,
  ranges: readonly ReplayRange[],
  signal: AbortSignal,
  onProgress: OnReplayProgress,
): Promise<Pick<ReplayCounts, "known" | "repeats" | "forgotten" | "markers">> {
  const total = totalOf(ranges);
  if (total === 0) return { known: 0, repeats: 0, forgotten: 0, markers: 0 };
  const childEnv = serviceEnvironment("reducer", env, {
    ...endpoints,
    httpPort: 0,
    topicPrefix,
    tableUri: replay.tableUri,
    group: `${topicPrefix}rebuild.${replay.tableUri}`,
    until: ranges.map(({ partition, to }) => ({ partition, offset: to })),
    nice: NICE,
  });
  let rows = 0;
  let reduced = { known: 0, repeats: 0, forgotten: 0, markers: 0 };
  const onMessage = (message: ServiceMessage) => {
    if (message.kind === "committed") rows += message.rows;
    if (message.kind === "reduced") reduced = message;
    onProgress({ done: rows, total });
  };
  const service = { name: "the reducer", kind: "reducer", env: childEnv, log: replay.logFile, onMessage } as const;
  await runServiceToEnd(service, signal);
  return reduced;
}
