import type { ForgottenPhotos } from "#lib/messages/forgotten-photos.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { listDataObjects } from "#lib/table/data-objects.ts";
import type { AddFile } from "#lib/table/delta/actions.ts";
import { readSnapshot } from "#lib/table/delta/read-snapshot.ts";
import { tablePropertiesOf } from "#lib/table/delta/table-properties.ts";
import { readRowsToDelete } from "#lib/table/operations/delete-rows.ts";
import { formatTableUri, type TableAccess, tableObject } from "#lib/table/table-location.ts";

/** A data file that the newest version does not name, and that has rows of forgotten photos. */
export interface OldFile {
  /** Relative to the table's root. */
  readonly path: string;
  /** When the table's retention lets it go, ms since the epoch. */
  readonly expiresAtMs: number;
}

/** What can't be read can't be told to be free of them. */
type OnUnreadable = (path: string, problem: string) => void;

/**
 * Reads the paths of all rows of files that older versions have, and of those that no version names: a reducer that was fenced
 * leaves some.
 */
export async function findOldFiles(
  access: TableAccess,
  forgotten: ForgottenPhotos,
  onUnreadable: OnUnreadable,
): Promise<OldFile[]> {
  const snapshot = await readSnapshot(access);
  const { deletedFileRetentionMs } = tablePropertiesOf(snapshot.metadata, formatTableUri(access.location));
  const found: OldFile[] = [];
  for await (const { path, sizeBytes, modifiedAtMs } of listDataObjects(access)) {
    if (snapshot.files.has(path) || !path.endsWith(".parquet")) continue;
    if (!(await hasForgotten(access, path, sizeBytes, forgotten, onUnreadable))) continue;
    const removedAtMs = snapshot.tombstones.get(path)?.deletionTimestamp ?? modifiedAtMs;
    found.push({ path, expiresAtMs: removedAtMs + deletedFileRetentionMs });
  }
  return found;
}

/**
 * Removes those whose time has come, or all of them at once: then readers of older versions find them gone.
 *
 * @returns those that are left.
 */
export async function deleteOldFiles(
  access: TableAccess,
  forgotten: ForgottenPhotos,
  isPurge: boolean,
  onUnreadable: OnUnreadable,
): Promise<OldFile[]> {
  const left: OldFile[] = [];
  for (const file of await findOldFiles(access, forgotten, onUnreadable)) {
    if (isPurge || file.expiresAtMs <= access.clock.nowMs()) {
      await access.store.delete(tableObject(access.location, file.path));
    } else left.push(file);
  }
  return left;
}

async function hasForgotten(
  access: TableAccess,
  path: string,
  size: number,
  forgotten: ForgottenPhotos,
  onUnreadable: OnUnreadable,
): Promise<boolean> {
  const file: AddFile = { path, size, partitionValues: {}, modificationTime: 0, dataChange: false };
  try {
    for await (const rows of readRowsToDelete(access, file)) {
      if (rows.some(({ path, ingestedAtMs }) => forgotten.has(path, ingestedAtMs))) return true;
    }
  } catch (error) {
    if (!(error instanceof FruitstreamError)) throw error;
    // Vacuum was faster.
    if (error.code === "not-found") return false;
    if (error.code !== "invalid-table") throw error;
    onUnreadable(path, error.message);
  }
  return false;
}
