import type { MatrixKernel } from "#lib/pca/kernel/matrix-kernel.ts";
import { emptyMoments, foldMoments, type Moments, momentsOfRows } from "#lib/pca/moments.ts";
import { decodeMoments, MOMENTS_BYTES_MAX, type MomentsSubject } from "#lib/pca/moments-codec.ts";
import { PcaError } from "#lib/pca/pca-error.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { AddFile } from "../delta/actions.ts";
import { readSnapshot } from "../delta/read-snapshot.ts";
import { readFeatures, vectorLengthOf } from "../feature-vectors.ts";
import { subjectFolder, subjectKey, subjectOf } from "../pca-subject.ts";
import { type TableAccess, tableObject } from "../table-location.ts";
import type { OnFinding } from "./table-finding.ts";

/** Rounding of sums in another order stays far below. */
const RELATIVE_DIFFERENCE_MAX = 1e-10;

/**
 * Holds each checkpoint of a subject's moments against the moments of all rows that it covers, which are read for it.
 * Memory: four triangles of d(d+1)/2 float64, and one data file.
 *
 * @param file one of the subject's, which tells the length of its vectors.
 */
export async function checkMoments(
  access: TableAccess,
  file: AddFile,
  kernel: MatrixKernel,
  versionMax: number,
  onFinding: OnFinding,
): Promise<void> {
  const { store, location } = access;
  const dimensions = await vectorLengthOf(access, file);
  // Of rows that another tool has written without vectors there are no moments.
  if (dimensions === undefined) return;
  const subject = { ...subjectOf(file), dimensions };
  const folder = tableObject(location, subjectFolder("moments", subject));
  const root = tableObject(location, "").key;
  for await (const { key } of store.list(folder.bucket, folder.key)) {
    const where = key.slice(root.length);
    try {
      const { bytes } = await store.get({ bucket: folder.bucket, key }, { bytesMax: MOMENTS_BYTES_MAX });
      const detail = await differenceOf(access, subject, kernel, versionMax, bytes);
      if (detail !== undefined) onFinding({ code: "moments", where, detail });
    } catch (error) {
      const problem = problemOf(error);
      if (problem === undefined) throw error;
      onFinding({ code: "moments-unreadable", where, detail: problem });
    }
  }
}

/** What can't be read is no fault of the checkpoint: the log, or files of its version, may have been cleaned away. */
function problemOf(error: unknown): string | undefined {
  if (error instanceof PcaError) return error.message;
  if (!(error instanceof FruitstreamError)) return undefined;
  return ["not-found", "invalid-table"].includes(error.code) ? `can't be compared: ${error.message}` : undefined;
}

async function differenceOf(
  access: TableAccess,
  subject: MomentsSubject,
  kernel: MatrixKernel,
  versionMax: number,
  bytes: Uint8Array,
): Promise<string | undefined> {
  const { tableVersion, moments } = decodeMoments(bytes, subject);
  if (tableVersion > versionMax) return `it covers version ${tableVersion}, the table is at ${versionMax}`;
  const actual = await momentsOfVersion(access, subject, kernel, tableVersion);
  if (actual.count !== moments.count) return `it covers ${moments.count} rows, the table has ${actual.count} of them`;
  const difference = Math.max(
    relativeDifference(actual.mean, moments.mean),
    relativeDifference(actual.scatter, moments.scatter),
  );
  if (difference <= RELATIVE_DIFFERENCE_MAX) return undefined;
  return `it differs from the rows by ${difference.toExponential(1)} of the largest value`;
}

async function momentsOfVersion(
  access: TableAccess,
  subject: MomentsSubject,
  kernel: MatrixKernel,
  version: number,
): Promise<Moments> {
  const { files } = await readSnapshot(access, { version });
  const total = emptyMoments(subject.dimensions);
  for (const file of files.values()) {
    if (subjectKey(subjectOf(file)) !== subjectKey(subject)) continue;
    for await (const { values } of readFeatures(access, file, subject.dimensions)) {
      foldMoments(total, await momentsOfRows(values, subject.dimensions, kernel));
    }
  }
  return total;
}

/** The largest difference, in parts of the largest value. */
function relativeDifference(expected: Float64Array, actual: Float64Array): number {
  let largest = 0;
  let difference = 0;
  for (const [index, value] of expected.entries()) {
    largest = Math.max(largest, Math.abs(value));
    difference = Math.max(difference, Math.abs(value - actual[index]!));
  }
  return difference === 0 ? 0 : difference / largest;
}
