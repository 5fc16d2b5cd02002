import { type Data, makeVector } from "apache-arrow";
import { type Basis, project } from "#lib/pca/basis.ts";
import { type Column, float32ListColumn, int32Column } from "../arrow-columns.ts";
import { joinVectors } from "../join-vectors.ts";

/**
 * A batch of rows with its coordinates in the basis. Rows that have them already, rows without features and rows of
 * another number of dimensions stay as they are. Takes n · d · k multiply-adds; memory: the batch's features once more.
 *
 * @param columns among others `features`, `pca_features` and `pca_version`, as `PHOTO_COLUMNS` has them.
 */
export function reprojectBatch(columns: Readonly<Record<string, Column>>, basis: Basis): Record<string, Column> {
  const { features, pca_features: coordinates, pca_version: versions } = columns;
  if (!features || !coordinates || !versions) return { ...columns };
  const versionOf = makeVector(versions);
  const vectors = vectorsOf(features);
  const rows = vectors.flatMap((vector, row) =>
    vector?.length === basis.dimensions && versionOf.get(row) !== basis.version ? row : [],
  );
  if (rows.length === 0) return { ...columns };
  const projected = project(basis, joinVectors(rows.map((row) => vectors[row]!)));
  const newCoordinates = vectorsOf(coordinates);
  const newVersions: (number | null)[] = Array.from(versionOf as Iterable<number | null>);
  rows.forEach((row, index) => {
    newCoordinates[row] = projected.subarray(index * basis.componentCount, (index + 1) * basis.componentCount);
    newVersions[row] = basis.version;
  });
  return { ...columns, pca_features: float32ListColumn(newCoordinates), pca_version: int32Column(newVersions) };
}

/** The vectors of a column of lists of floats, as parts of its memory; null where there is none. */
function vectorsOf(column: Data): (Float32Array | null)[] {
  const ends = column.valueOffsets as unknown as Int32Array;
  const floats = column.children[0]!.values as unknown as Float32Array;
  return Array.from({ length: column.length }, (_, row) =>
    column.getValid(row) ? floats.subarray(ends[row], ends[row + 1]) : null,
  );
}
