import type { AddFile } from "./delta/actions.ts";
import { recordCountOf } from "./delta/column-statistics.ts";
import type { Snapshot } from "./delta/snapshot.ts";

/** What one partition folder of a table holds. */
export interface PartitionSummary {
  readonly model: string;
  readonly run: string;
  /** What there is of `dt`, `hour` and `month`, by the table's partitioning. */
  readonly dt?: string;
  readonly hour?: string;
  readonly month?: string;
  readonly files: number;
  readonly rows: number;
  readonly bytes: number;
}

/** A table's partitions in the order of model, run and time, from the log alone: no data file is read. */
export function summarisePartitions({ files }: Pick<Snapshot, "files">): PartitionSummary[] {
  const partitions = new Map<string, PartitionSummary>();
  for (const file of files.values()) {
    const values = file.partitionValues as Record<string, string | undefined>;
    const { model = "", run = "", dt = "", hour = "", month = "" } = values;
    const key = [model, run, dt, hour.padStart(2, "0"), month].join("/");
    const before = partitions.get(key) ?? { ...values, model, run, files: 0, rows: 0, bytes: 0 };
    partitions.set(key, {
      ...before,
      files: before.files + 1,
      rows: before.rows + (recordCountOf(file) ?? 0),
      bytes: before.bytes + file.size,
    });
  }
  return [...partitions].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, summary]) => summary);
}

/** The rows of a table's files, or of some of them, from their statistics. */
export function countRows({ files }: { readonly files: { values(): Iterable<AddFile> } }): number {
  return Array.from(files.values()).reduce((sum, file) => sum + (recordCountOf(file) ?? 0), 0);
}
