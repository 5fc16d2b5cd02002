import { randomUUID } from "node:crypto";
import type { Basis } from "#lib/pca/basis.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import { BasisStore } from "#lib/table/basis-store.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { openTable } from "#lib/table/open-table.ts";
import type { PhotoRow } from "#lib/table/photo-row.ts";
import { writeRows } from "#lib/table/table-files.ts";
import type { TableLocation } from "#lib/table/table-location.ts";
import { photoRow } from "../../lib/table/photo-rows.ts";
import { clouds } from "../classify/learning/clouds.ts";

export const MODEL = "clouds-0a1b2c3d";

/** A table of 20 rows of each label, whose 6 features tell the labels apart; later labels lie in later files. */
export async function writeFruitTable(
  store: ObjectStore,
  location: TableLocation,
  labels: readonly string[],
  changes: Partial<PhotoRow> = {},
): Promise<DeltaTable> {
  await store.ensureBucket(location.bucket);
  const table = await openTable(store, location, { createIfAbsent: true });
  const { vectors, labels: rowLabels } = clouds(labels, 20, 1);
  const rows = vectors.map((features, index) =>
    photoRow({
      model: MODEL,
      path: `s3://photos/${rowLabels[index]}/${index}.jpg`,
      label: rowLabels[index]!,
      features,
      pcaFeatures: features.slice(0, 2),
      sourceOffset: index,
      ...changes,
    }),
  );
  await appendRows(table, rows.slice(0, 20));
  await appendRows(table, rows.slice(20));
  return table;
}

export async function appendRows(table: DeltaTable, rows: readonly PhotoRow[]): Promise<void> {
  const adds = await writeRows(table, rows);
  const commit = { commitId: randomUUID(), operation: "STREAMING UPDATE", adds, txns: [], baseTxns: new Map() };
  await table.commit(commit);
}

/** A basis whose components are two of the 6 features themselves: the coordinates can be seen in the rows. */
export async function publishBasis(table: DeltaTable, version: number, columns: readonly [number, number]) {
  const components = new Float64Array(12);
  columns.forEach((column, component) => {
    components[component * 6 + column] = 1;
  });
  const basis: Basis = {
    version,
    dimensions: 6,
    componentCount: 2,
    components,
    mean: new Float64Array(6),
    explainedVariance: Float64Array.of(6, 3),
    explainedVarianceRatio: Float64Array.of(0.6, 0.3),
    totalVariance: 10,
    rowCount: 40,
    residual: 0,
    converged: true,
  };
  return new BasisStore(table, { model: MODEL, run: "live" }).publish(basis);
}
