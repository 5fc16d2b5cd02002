/** What became of a replay's records. Each count is taken for itself, so that their sum proves something. */
export interface ReplayCounts {
  /** Photos or vectors replayed: the ranges' lengths. */
  readonly records: number;
  /** By which the table has grown. */
  readonly rows: number;
  /** In the table before, and therefore dropped. */
  readonly repeats: number;
  readonly deadLetters: number;
  /** Records that are no vectors; none among photos. */
  readonly markers: number;
}

/** The counts for a person, and whether they add up. */
export function describeCounts(what: "photos" | "vectors", counts: ReplayCounts): { text: string; addsUp: boolean } {
  const { records, rows, repeats, deadLetters, markers } = counts;
  const unaccounted = records - rows - repeats - deadLetters - markers;
  const lines = [
    [what, records],
    ["rows added", rows],
    ["repeats dropped", repeats],
    ["dead letters", deadLetters],
    ...(markers > 0 ? [["flush markers", markers] as const] : []),
  ] as const;
  const text = lines.map(([name, count]) => `${name.padEnd(16)} ${count}`);
  if (unaccounted > 0) text.push(`${unaccounted} ${what} are neither: the topic may have lost their records meanwhile`);
  if (unaccounted < 0) text.push(`${-unaccounted} ${what} count twice: some are both a row and a dead letter`);
  return { text: text.join("\n"), addsUp: unaccounted === 0 };
}

export function totalOf(ranges: readonly { readonly from: number; readonly to: number }[]): number {
  return ranges.reduce((sum, { from, to }) => sum + to - from, 0);
}
