import type { MatrixKernel } from "#lib/pca/kernel/matrix-kernel.ts";
import { openMatrixKernel } from "#lib/pca/kernel/onnx-matrix-kernel.ts";
import { BasisStore } from "#lib/table/basis-store.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import type { PcaSubject } from "#lib/table/pca-subject.ts";
import { SIDE_FOLDER, type TableAccess, tableObject } from "#lib/table/table-location.ts";
import { SubjectBases } from "#services/reducer/subject-bases.ts";
import { TableMoments } from "#services/reducer/table-moments.ts";

/** A checkpoint of something that is computed from the rows of a version, relative to the table's root. */
export interface Checkpoint {
  readonly path: string;
  readonly version: number;
}

/** Checkpoints of moments and of photo versions that cover rows which were deleted in this version. */
export async function findStaleCheckpoints({ store, location }: TableAccess, version: number): Promise<Checkpoint[]> {
  const root = tableObject(location, "").key;
  const found: Checkpoint[] = [];
  for (const kind of ["moments", "photo-versions"]) {
    const folder = tableObject(location, `${SIDE_FOLDER}/${kind}/`);
    for await (const { key } of store.list(folder.bucket, folder.key)) {
      // Both are named by the version that they cover.
      const [, digits] = /\/(\d{20})[^/]*$/.exec(key) ?? [];
      if (digits && Number(digits) < version) found.push({ path: key.slice(root.length), version: Number(digits) });
    }
  }
  return found;
}

/**
 * Removes what was computed from rows that were deleted in this version, and computes it anew from the rows that are left:
 * moments, and a basis of them. A reducer at work does the same by itself when it sees the version; whoever publishes a
 * basis first, the other takes it. Bases before stay, since rows refer to them.
 *
 * @param subjects of which rows were deleted.
 * @param openKernel opened when there is something to compute.
 */
export async function renewCaches(
  table: DeltaTable,
  version: number,
  subjects: readonly PcaSubject[],
  openKernel: () => Promise<MatrixKernel & { release?(): Promise<void> }> = () => openMatrixKernel(1),
): Promise<void> {
  const { store, location } = table;
  for (const { path } of await findStaleCheckpoints(table, version)) await store.delete(tableObject(location, path));
  for (const subject of subjects) {
    const newest = await new BasisStore(table, subject).refresh();
    // Without a basis nobody has moments either: there were never two rows.
    if (newest === undefined) continue;
    const kernel = await openKernel();
    try {
      const moments = await TableMoments.load(table, subject, newest.dimensions, kernel);
      await moments.save();
      const bases = new SubjectBases(table, kernel, newest.componentCount);
      await bases.refresh(subject);
      if (moments.moments.count >= 2) await bases.publish(subject, await bases.compute(subject, moments.moments));
    } finally {
      await kernel.release?.();
    }
  }
}
