import { BasisStore } from "#lib/table/basis-store.ts";
import { staleFiles } from "#lib/table/operations/reproject-rows.ts";
import { groupBySubject, subjectKey } from "#lib/table/pca-subject.ts";
import { countRows, type PartitionSummary, summarisePartitions } from "#lib/table/table-summary.ts";
import type { NamedTable } from "./open-named-table.ts";

/** What a table's log and the bases beside it say; no data file is read for it. */
export interface TableFacts {
  readonly table: string;
  readonly version: number;
  readonly files: number;
  readonly rows: number;
  readonly partitions: readonly PartitionSummary[];
  /** By application id, in its order: next offsets of the features topic, and high-water marks of source partitions. */
  readonly offsets: Readonly<Record<string, number>>;
  readonly bases: readonly NewestBasis[];
}

/** The newest PCA basis of a model and run. */
interface NewestBasis {
  readonly model: string;
  readonly run: string;
  readonly version: number;
  /** Vectors it was computed from. */
  readonly rows: number;
  readonly explainedVarianceRatio: readonly number[];
  /** Of the table, in files of which some rows have coordinates of another basis, or none. */
  readonly staleRows: number;
}

export async function readTableFacts({ place, table }: NamedTable): Promise<TableFacts> {
  const { snapshot } = table;
  const partitions = summarisePartitions(snapshot);
  const offsets = [...snapshot.txnVersions].sort(([a], [b]) => (a < b ? -1 : 1));
  const bases: NewestBasis[] = [];
  for (const [subject] of groupBySubject(partitions)) {
    const basis = await new BasisStore(table, subject!).refresh();
    if (!basis) continue;
    const { version, rowCount, explainedVarianceRatio } = basis;
    const { model, run } = subject!;
    const staleRows = countRows({ files: staleFiles(snapshot, new Map([[subjectKey(subject!), basis]])) });
    const ratio = { explainedVarianceRatio: [...explainedVarianceRatio] };
    bases.push({ ...{ model, run, version, rows: rowCount }, ...ratio, staleRows });
  }
  return {
    table: place,
    version: snapshot.version,
    files: snapshot.files.size,
    rows: partitions.reduce((sum, partition) => sum + partition.rows, 0),
    partitions,
    offsets: Object.fromEntries(offsets),
    bases,
  };
}
