/** How much a finding means: rows or promises are hurt; something costs time or space; something to know. */
export type Severity = "error" | "warning" | "note";

/** What a check of a table can find. The code is a contract: scripts tell findings by it. */
const SEVERITIES = {
  /** A file that the log names is not there, and its rows are lost. */
  "file-missing": "error",
  /** A file has another size than the log says. */
  "file-size": "error",
  /** A file can't be read as Parquet, or lacks a column. */
  "file-unreadable": "error",
  /** A file's footer counts other rows than its statistics. */
  "row-count": "error",
  /** A file has rows outside of the bounds of its statistics: readers skip rows that they should find. */
  statistics: "error",
  /** A file has no count of rows in its statistics: what counts rows from the log leaves it out. */
  "no-statistics": "warning",
  /** Rows lie at or beyond their run's high-water mark: they would be taken a second time. */
  "row-beyond-mark": "error",
  /** The table has rows, and its log has none of our offsets: reducers would begin at the topic's beginning. */
  "no-offsets": "error",
  /** Rows have the same photo version of one run and model. */
  repeat: "error",
  /** Rows name a basis that is not there. */
  "basis-missing": "error",
  /** A checkpoint of moments does not agree with the rows that it covers. */
  moments: "error",
  /** A checkpoint of moments can't be read, or the rows that it covers can't: reducers read the rows instead. */
  "moments-unreadable": "warning",
  /** The newest checkpoint of the log can't be read: readers replay the log instead. */
  "checkpoint-unreadable": "warning",
  /** The newest checkpoint of the log says something else than the commits before it. */
  checkpoint: "error",
  /** Files that no version names, left by commits that lost a race: vacuum removes them. */
  orphan: "note",
  /** Files that were removed from the table and are still there, for readers of older versions. */
  "removed-file": "note",
} as const satisfies Record<string, Severity>;

export type FindingCode = keyof typeof SEVERITIES;

export interface TableFinding {
  readonly code: FindingCode;
  /** A path relative to the table's root, or what else names the place. */
  readonly where: string;
  /** A sentence. */
  readonly detail: string;
}

export function severityOf({ code }: Pick<TableFinding, "code">): Severity {
  return SEVERITIES[code];
}

/** Takes what is found, as it is found. */
export type OnFinding = (finding: TableFinding) => void;
