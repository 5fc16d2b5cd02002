import { type Basis, project } from "#lib/pca/basis.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { BasisStore } from "#lib/table/basis-store.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import type { PcaSubject } from "#lib/table/pca-subject.ts";
import { readRows } from "#lib/table/table-files.ts";

/** One row of the table as far as it matters for numbers. */
export interface TableVector {
  readonly path: string;
  readonly label: string | null;
  /** The model's features, or the coordinates of the basis that was asked for. */
  readonly vector: Float32Array;
  /** True where the coordinates in the table were an older basis', so that they were computed anew. */
  readonly reprojected: boolean;
}

/** The feature vectors of a model and run; rows of other tools that have none are left out. Holds one data file at a time. */
export async function* readFeatureVectors(table: DeltaTable, subject: PcaSubject): AsyncIterable<TableVector> {
  for await (const row of readSubject(table, subject, ["path", "label", "features"])) {
    yield { ...named(row), vector: row.features as Float32Array, reprojected: false };
  }
}

/**
 * The coordinates of a model and run in one basis. Those of different bases can't be compared, so rows that another one
 * has projected are projected anew, from their features. Holds one data file at a time.
 */
export async function* readCoordinates(
  table: DeltaTable,
  subject: PcaSubject,
  basis: Basis,
): AsyncIterable<TableVector> {
  const columns = ["path", "label", "features", "pca_features", "pca_version"];
  for await (const row of readSubject(table, subject, columns)) {
    const reprojected = row.pca_version !== basis.version;
    const vector = reprojected ? project(basis, row.features as Float32Array) : (row.pca_features as Float32Array);
    yield { ...named(row), vector, reprojected };
  }
}

/** @throws invalid-table when no basis lies beside the table. */
export async function requireNewestBasis(table: DeltaTable, subject: PcaSubject): Promise<Basis> {
  const basis = await new BasisStore(table, subject).refresh();
  if (basis) return basis;
  const problem = `there is no PCA basis of model ${subject.model}, run ${subject.run} beside the table`;
  throw new FruitstreamError("invalid-table", `${problem}; a reducer publishes the first, of two rows or more`);
}

async function* readSubject(table: DeltaTable, { model, run }: PcaSubject, columns: readonly string[]) {
  for (const file of table.snapshot.files.values()) {
    if (file.partitionValues.model === model && file.partitionValues.run === run) {
      const rows = await readRows(table, file, columns);
      const withVector = rows.filter(({ features }) => features instanceof Float32Array);
      if (withVector.length < rows.length) {
        const fields = { event: "rows_without_features", file: file.path, rows: rows.length - withVector.length };
        table.logger.warn(fields, "left rows without features out; other tools have written them");
      }
      yield* withVector;
    }
  }
}

function named(row: Record<string, unknown>): Pick<TableVector, "path" | "label"> {
  return { path: row.path as string, label: row.label as string | null };
}
