import { randomUUID } from "node:crypto";
import type { Basis } from "#lib/pca/basis.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import { BasisStore } from "#lib/table/basis-store.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { openTable } from "#lib/table/open-table.ts";
import type { PhotoRow } from "#lib/table/photo-row.ts";
import { writeRows } from "#lib/table/table-files.ts";
import type { TableLocation } from "#lib/table/table-location.ts";
import { highWaterAppId } from "#lib/table/table-progress.ts";
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

/** Commits the rows as a reducer does, with the offset and the marks that they move. */
export async function appendRows(table: DeltaTable, rows: readonly PhotoRow[]): Promise<void> {
  const { txnVersions } = table.snapshot;
  const moved = new Map([[OFFSET, (txnVersions.get(OFFSET) ?? 0) + rows.length]]);
  for (const { run, sourcePartition, sourceOffset } of rows) {
    const appId = highWaterAppId({ run, sourceTopic: "photos", sourcePartition, sourceOffset });
    moved.set(appId, Math.max(moved.get(appId) ?? txnVersions.get(appId) ?? 0, sourceOffset + 1));
  }
  const adds = await writeRows(table, rows);
  const txns = Array.from(moved, ([appId, version]) => ({ appId, version }));
  const baseTxns = new Map(txns.map(({ appId }) => [appId, txnVersions.get(appId)]));
  await table.commit({ commitId: randomUUID(), operation: "STREAMING UPDATE", adds, txns, baseTxns });
}

const OFFSET = "fruitstream/offset/features/0";

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
