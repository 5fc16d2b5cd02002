import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { AddFile } from "#lib/table/delta/actions.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { type ExportSummary, exportTable } from "#lib/table/table-export.ts";
import type { OpsDeps } from "#ops/pipeline/ops-deps.ts";
import { openNamedTable } from "./open-named-table.ts";
import { reprojectTable, subjectsOf } from "./reproject-table.ts";

/** What was copied, and of it what was projected anew. */
export interface OneBasisExport extends ExportSummary {
  /** In files that were written anew, since some of their rows had coordinates of older bases. */
  readonly reprojectedRows: number;
}

/**
 * Copies the newest version of a table into a folder as `exportTable` does, and projects the rows of the copy onto the
 * newest basis of their model and run: the copy then is one version ahead of the table, which stays as it is. Files that
 * were replaced are removed from the copy, whose older versions can then be read as far as they need none of them.
 *
 * @throws as `exportTable` and `reprojectTable` do.
 */
export async function exportInOneBasis(table: DeltaTable, folder: string, deps: OpsDeps): Promise<OneBasisExport> {
  const summary = await exportTable(table, folder);
  await using copy = await openNamedTable(folder, deps, { writes: true });
  const before = new Map(copy.table.snapshot.files);
  const { version, rows } = await reprojectTable(copy.table, { subjects: subjectsOf(copy.table, {}) });
  const { files } = copy.table.snapshot;
  for (const path of before.keys()) if (!files.has(path)) await rm(join(folder, path));
  const bytes = summary.bytes - bytesOf(before.values()) + bytesOf(files.values());
  return { version, files: files.size, bytes, reprojectedRows: rows };
}

function bytesOf(files: Iterable<AddFile>): number {
  return Array.from(files).reduce((sum, { size }) => sum + size, 0);
}
