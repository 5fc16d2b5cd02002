import type { TableVector } from "#analysis/vectors/read-vectors.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { LabelledVectors } from "./learning/experiment.ts";
import { commonFolder } from "./path-split.ts";

/** The labelled rows of a table that a classification needs, in the order of their paths. */
export interface LabelledRows extends LabelledVectors {
  /** Of the rows whose vectors are kept, side by side with them. */
  readonly paths: readonly string[];
  /** The folder that all photos of the table have in common, with its slash. */
  readonly root: string;
  /** Of all labels, whether their vectors are kept or not. */
  readonly rowsByLabel: ReadonlyMap<string, number>;
  readonly unlabelledRows: number;
  readonly reprojectedRows: number;
}

/** 4 GiB: some 800,000 rows of 1280 values. Standardising takes as much again. */
const VECTOR_BYTES_MAX = 4 * 2 ** 30;

/**
 * Takes up the vectors of labelled rows, and nothing else, into memory.
 *
 * The order of a table's files changes with every run of a pipeline and with compaction, that of the paths does not: so
 * a seed always splits the same photos in the same way.
 *
 * @param wanted the labels whose vectors are kept; all when missing.
 * @throws usage when no row has a label, or the vectors have more than VECTOR_BYTES_MAX bytes.
 */
export async function loadLabelled(
  rows: AsyncIterable<TableVector>,
  wanted: ReadonlySet<string> | undefined,
): Promise<LabelledRows> {
  const rowsByLabel = new Map<string, number>();
  const kept: { path: string; label: string; vector: Float32Array }[] = [];
  let [unlabelledRows, reprojectedRows, bytes] = [0, 0, 0];
  let root: string | undefined;
  for await (const { path, label, vector, reprojected } of rows) {
    root = commonFolder(root, path);
    if (label === null) {
      unlabelledRows += 1;
      continue;
    }
    rowsByLabel.set(label, (rowsByLabel.get(label) ?? 0) + 1);
    if (wanted && !wanted.has(label)) continue;
    kept.push({ path, label, vector });
    reprojectedRows += Number(reprojected);
    bytes += vector.byteLength;
    if (bytes > VECTOR_BYTES_MAX) throw tooMany(kept.length);
  }
  if (rowsByLabel.size === 0) {
    const problem = `none of ${unlabelledRows} rows has a label`;
    throw new FruitstreamError("usage", `${problem}; photos take theirs from the name of the folder they lie in`);
  }
  kept.sort((a, b) => (a.path < b.path ? -1 : Number(a.path > b.path)));
  const labels = kept.map(({ label }) => label);
  const vectors = kept.map(({ vector }) => vector);
  const paths = kept.map(({ path }) => path);
  return { labels, vectors, paths, root: root!, rowsByLabel, unlabelledRows, reprojectedRows };
}

function tooMany(rows: number): FruitstreamError {
  const bound = `the vectors of ${rows} rows exceed ${VECTOR_BYTES_MAX} bytes`;
  return new FruitstreamError("usage", `${bound}; name some --classes, or take --features pca_features`);
}
