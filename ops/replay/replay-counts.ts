/** What became of a replay's records. Each count is taken for itself, so that their sum proves something. */
export interface ReplayCounts {
  /** Photos or vectors replayed: the ranges' lengths. */
  readonly records: number;
  /** By which the table has grown. */
  readonly rows: number;
  /** Dropped, since the run has a row of the same photo version, of another announcement. */
  readonly known: number;
  /** In the table before, and therefore dropped. */
  readonly repeats: number;
  readonly deadLetters: number;
  /** Dropped, since their photos are forgotten. */
  readonly forgotten: number;
  /** Flush markers among vectors; among photos, offsets that no record has, as the markers of transactions. */
  readonly markers: number;
}

/** Records of which nothing became: 0 when the counts add up, below 0 when some count twice. */
export function unaccountedOf(counts: ReplayCounts): number {
  const { records, rows, known, repeats, deadLetters, forgotten, markers } = counts;
  return records - rows - known - repeats - deadLetters - forgotten - markers;
}

export function totalOf(ranges: readonly { readonly from: number; readonly to: number }[]): number {
  return ranges.reduce((sum, { from, to }) => sum + to - from, 0);
}

/** How far a replay has come. */
interface ReplayProgress {
  /** Photos published or dead-lettered; of a replay of vectors, rows committed. */
  readonly done: number;
  readonly total: number;
}

/** Told every now and then; cheap enough to be told often. */
export type OnReplayProgress = (progress: ReplayProgress) => void;
