import type { LogAdmin, PartitionOffset } from "#lib/log/record-log.ts";
import type { Topics } from "#lib/messages/topics.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { TableProgress } from "#lib/table/table-progress.ts";
import { countRows } from "#lib/table/table-summary.ts";

/** How far the photos have come, from what is durable: committed offsets and the table. */
export interface PipelineState {
  readonly rows: number;
  readonly tableVersion: number;
  /** Photos announced and not yet published as vectors or dead letters. */
  readonly featurizerLag: number;
  /** Vectors published and not yet in the table. */
  readonly reducerLag: number;
}

/** Reads the state once. With both lags 0, everything announced before the call is in the table or dead-lettered. */
export async function readPipelineState(
  admin: LogAdmin,
  table: DeltaTable,
  topics: Topics,
  featurizerGroup: string,
): Promise<PipelineState> {
  const photosEnd = await admin.endOffsets(topics.photos);
  const committed = await admin.committedOffsets(featurizerGroup, topics.photos);
  // After the featurizers' offsets: whatever they cover was published before, so these ends include it.
  const featuresEnd = await admin.endOffsets(topics.features);
  await table.advance();
  const progress = new TableProgress(topics.features, table.snapshot.txnVersions);
  const consumed = featuresEnd.map(({ partition }) => ({ partition, offset: progress.nextOffset(partition) }));
  return {
    rows: countRows(table.snapshot),
    tableVersion: table.snapshot.version,
    featurizerLag: lagOf(photosEnd, committed),
    reducerLag: lagOf(featuresEnd, consumed),
  };
}

/** The state as one line: photos done, rate, lag. */
export function describeState({ rows, featurizerLag, reducerLag }: PipelineState, photos: number, seconds: number) {
  const done = Math.max(0, photos - featurizerLag - reducerLag);
  const share = photos === 0 ? 100 : Math.floor((100 * done) / photos);
  const lag = `lag: ${featurizerLag} to featurize, ${reducerLag} to reduce`;
  return `${done}/${photos} photos (${share} %)  ${(done / seconds).toFixed(0)}/s  ${rows} rows  ${lag}`;
}

function lagOf(ends: readonly PartitionOffset[], reached: readonly PartitionOffset[]): number {
  const offsets = new Map(reached.map(({ partition, offset }) => [partition, offset]));
  return ends.reduce((lag, { partition, offset }) => lag + offset - (offsets.get(partition) ?? 0), 0);
}
