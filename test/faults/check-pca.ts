import { computeBasis } from "#lib/pca/basis.ts";
import type { MatrixKernel } from "#lib/pca/kernel/matrix-kernel.ts";
import { openMatrixKernel } from "#lib/pca/kernel/onnx-matrix-kernel.ts";
import { type Moments, momentsOfRows } from "#lib/pca/moments.ts";
import { principalAngles } from "#lib/pca/principal-angles.ts";
import { BasisStore } from "#lib/table/basis-store.ts";
import type { AddFile } from "#lib/table/delta/actions.ts";
import { readCommit, readCommits } from "#lib/table/delta/delta-log.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { readFeatures } from "#lib/table/feature-vectors.ts";
import { joinVectors } from "#lib/table/join-vectors.ts";
import type { PcaSubject } from "#lib/table/pca-subject.ts";
import { TableMoments } from "#services/reducer/table-moments.ts";
import { isNear } from "./is-near.ts";
import { TINY_DIMENSIONS } from "./tiny-model.ts";

/** Moments merged in another order differ by float64 rounding. */
const MOMENTS_TOLERANCE = 1e-9;
const ANGLE_RADIANS_MAX = 1e-6;

/**
 * What is wrong with the moments that the services have left, and with the newest basis that they have published: both
 * are computed anew from the table's rows, in the order of the commits, without a checkpoint.
 */
export async function checkPca(table: DeltaTable): Promise<string[]> {
  const [file] = table.snapshot.files.values();
  if (!file) return [];
  const { model = "", run = "" } = file.partitionValues as Partial<Record<string, string>>;
  const subject = { model, run };
  const vectors = await vectorsByCommit(table);
  const rows = vectors?.flat() ?? (await vectorsOf(table, [...table.snapshot.files.values()]));
  const kernel = await openMatrixKernel(1);
  try {
    const fromRows = await momentsOfRows(joinVectors(rows), TINY_DIMENSIONS, kernel);
    const left = await TableMoments.load(table, subject, TINY_DIMENSIONS, kernel);
    await left.catchUp(table.snapshot.version);
    const basisProblems = vectors ? await checkNewestBasis(table, subject, vectors, kernel) : [];
    return [...compareMoments(left.moments, fromRows), ...basisProblems];
  } finally {
    await kernel.release();
  }
}

function compareMoments({ count, mean, scatter }: Readonly<Moments>, expected: Readonly<Moments>): string[] {
  return [
    ...(count === expected.count ? [] : [`the moments count ${count} rows of ${expected.count}`]),
    ...(isNear(mean, expected.mean, MOMENTS_TOLERANCE) ? [] : ["the moments' mean is another"]),
    ...(isNear(scatter, expected.scatter, MOMENTS_TOLERANCE) ? [] : ["the moments' scatter is another"]),
  ];
}

/** The first basis is of the first window to come, whose commit need not be the table's first; every later one of all rows up to a commit. */
async function checkNewestBasis(
  table: DeltaTable,
  subject: PcaSubject,
  vectors: readonly (readonly Float32Array[])[],
  kernel: MatrixKernel,
): Promise<string[]> {
  const basis = await new BasisStore(table, subject).refresh();
  if (!basis) return ["there is no basis"];
  if (basis.version === 1) return [];
  const name = `basis ${basis.version}, of ${basis.rowCount} rows,`;
  let rowCount = 0;
  const rowCounts = vectors.map(({ length }) => (rowCount += length));
  if (!rowCounts.includes(basis.rowCount)) return [`${name} is of no version of the table`];
  const rows = vectors.flat().slice(0, basis.rowCount);
  const moments = await momentsOfRows(joinVectors(rows), TINY_DIMENSIONS, kernel);
  const expected = await computeBasis(moments, basis.componentCount, kernel);
  const angle = principalAngles(basis, expected).at(-1)!;
  return [
    ...(angle <= ANGLE_RADIANS_MAX ? [] : [`${name} is turned by ${angle}`]),
    ...(isNear(basis.mean, expected.mean, MOMENTS_TOLERANCE) ? [] : [`${name} has another mean`]),
    ...(isNear(basis.explainedVariance, expected.explainedVariance, MOMENTS_TOLERANCE)
      ? []
      : [`${name} explains another variance`]),
  ];
}

/** Undefined where the log no longer says what rows a basis was computed from: it was cleaned up, or written over. */
async function vectorsByCommit(table: DeltaTable): Promise<Float32Array[][] | undefined> {
  if ((await readCommit(table, 0)) === undefined) return undefined;
  const commits: Float32Array[][] = [];
  for await (const { adds, commitInfo } of readCommits(table, -1, table.snapshot.version)) {
    if (commitInfo?.fruitstream?.settles) return undefined;
    // What compaction adds are rows of earlier commits.
    const added = adds.filter(({ dataChange }) => dataChange);
    commits.push(await vectorsOf(table, added));
  }
  return commits;
}

async function vectorsOf(table: DeltaTable, files: readonly AddFile[]): Promise<Float32Array[]> {
  const vectors: Float32Array[] = [];
  for (const file of files) {
    for await (const { values } of readFeatures(table, file, TINY_DIMENSIONS)) {
      for (let at = 0; at < values.length; at += TINY_DIMENSIONS)
        vectors.push(values.subarray(at, at + TINY_DIMENSIONS));
    }
  }
  return vectors;
}
