import { listDataObjects } from "../data-objects.ts";
import type { RemoveFile } from "../delta/actions.ts";
import type { Snapshot } from "../delta/snapshot.ts";
import type { TableAccess } from "../table-location.ts";
import type { OnFinding } from "./table-finding.ts";

/** What lies in the table's folder beside its log and what is kept beside the table. */
export interface ObjectTotals {
  readonly orphans: number;
  readonly orphanBytes: number;
  readonly removedFiles: number;
  readonly removedBytes: number;
}

/**
 * Holds one listing of the table's folder against its log: are all files there, with their sizes, and what else is? Files
 * that came while it was listed are not orphans: they may be named by the next version.
 *
 * @returns the paths of files that are there as the log says.
 */
export async function checkObjects(
  access: TableAccess,
  snapshot: Pick<Snapshot, "files"> & { readonly tombstones: ReadonlyMap<string, RemoveFile> },
  onFinding: OnFinding,
): Promise<{ readonly present: ReadonlySet<string>; readonly totals: ObjectTotals }> {
  const { files, tombstones } = snapshot;
  const startedAtMs = access.clock.nowMs();
  const present = new Set<string>();
  const missing = new Set(files.keys());
  const totals = { orphans: 0, orphanBytes: 0, removedFiles: 0, removedBytes: 0 };
  for await (const { path, sizeBytes, modifiedAtMs } of listDataObjects(access)) {
    const file = files.get(path);
    missing.delete(path);
    if (file?.size === sizeBytes) present.add(path);
    else if (file) {
      const detail = `the file has ${sizeBytes} bytes, the log says ${file.size}: it was overwritten or cut short`;
      onFinding({ code: "file-size", where: path, detail });
    } else if (tombstones.has(path)) {
      totals.removedFiles += 1;
      totals.removedBytes += sizeBytes;
    } else if (modifiedAtMs < startedAtMs) {
      totals.orphans += 1;
      totals.orphanBytes += sizeBytes;
      onFinding({
        code: "orphan",
        where: path,
        detail: `no version that is known names the file of ${sizeBytes} bytes`,
      });
    }
  }
  for (const path of missing) {
    onFinding({ code: "file-missing", where: path, detail: "the file is not there, and its rows are lost with it" });
  }
  if (totals.removedFiles > 0) {
    const detail = `${totals.removedFiles} removed files of ${totals.removedBytes} bytes are there for older versions`;
    onFinding({ code: "removed-file", where: "", detail });
  }
  return { present, totals };
}
