/** What a world came to. */
export interface WorldReport {
  readonly announced: number;
  readonly rows: number;
  readonly deadLetters: number;
  /** How many dead letters have which reason. */
  readonly reasons: Readonly<Record<string, number>>;
  /** Vectors that were dropped since their photo had a row by another announcement. */
  readonly known: number;
  /** Vectors that were published again and dropped by the reducers. */
  readonly repeats: number;
  readonly commits: number;
  /** Windows that reducers dropped because another had committed their records. */
  readonly fenced: number;
  readonly kills: number;
  /** Records that the reducers' group looks behind by, to a lag monitor. */
  readonly monitoredLag: number;
  /** By kind of service, of its largest process. */
  readonly rssPeakBytes: Readonly<Record<string, number>>;
  /** What is wrong; all lists are empty in a world that kept its promises. */
  readonly findings: Findings;
}

/** Source positions, as `partition/offset`, or sentences. */
interface Findings {
  /** Photos that are not in the table. */
  readonly lost: readonly string[];
  /** Photo versions that are in the table more than once. */
  readonly doubled: readonly string[];
  /** Rows of no photo. */
  readonly madeUp: readonly string[];
  /** Rows without the vector that an undisturbed featurizer gives their photo. */
  readonly wrongVectors: readonly string[];
  /** Records that can't be read or have no photo, and are not among the dead letters. */
  readonly lettersMissing: readonly string[];
  /** Dead letters of records with which nothing is wrong. */
  readonly lettersMadeUp: readonly string[];
  /** Dead letters that don't carry the record that they are about. */
  readonly lettersWithoutOriginal: readonly string[];
  /** Vectors whose first appearance in `features` comes after that of a later photo: high-water marks would skip them. */
  readonly outOfOrder: readonly string[];
  /** Files whose number of rows is another in the log. */
  readonly wrongCounts: readonly string[];
  /** How moments and newest basis differ from those of the rows. */
  readonly wrongPca: readonly string[];
  /** Services that ended by themselves. */
  readonly crashes: readonly string[];
  /** Services whose resident set went past its bound. */
  readonly tooLarge: readonly string[];
}

/** One line: counts, and peaks of the resident sets in MiB. */
export function formatReport({ rssPeakBytes, reasons, findings: _findings, ...counts }: WorldReport): string {
  const peaks = Object.entries(rssPeakBytes).map(([kind, bytes]) => `${kind} ${Math.round(bytes / 2 ** 20)} MiB`);
  const counted = Object.entries({ ...counts, ...reasons }).map(([name, count]) => `${name} ${count}`);
  return [...counted, ...peaks].join(", ");
}

/** The findings that are not empty. */
export function problemsOf({ findings }: WorldReport): Record<string, readonly string[]> {
  return Object.fromEntries(Object.entries(findings).filter(([, list]) => list.length > 0));
}
