import { randomUUID } from "node:crypto";
import type { AddFile } from "../delta/actions.ts";
import { recordCountOf } from "../delta/column-statistics.ts";
import type { DeltaTable } from "../delta/delta-table.ts";
import { requireDeletable } from "../delta/table-features.ts";
import type { Conflict } from "../delta/transaction.ts";
import { findRepeats, fingerprintKey, fingerprintOf, type PlacedPhotoVersion } from "../photo-version.ts";
import { eachPhotoVersion } from "../photo-version-files.ts";
import { eachRepeat, VERSIONS_HELD_MAX } from "../repeated-versions.ts";
import { formatTableUri, type TableAccess } from "../table-location.ts";
import { maintenanceTxns } from "./maintenance-txn.ts";
import { deleteUncommitted, rewriteFiles } from "./rewrite-files.ts";

/** A row by its place. */
interface PlacedRow extends PlacedPhotoVersion {
  readonly file: AddFile;
  readonly row: number;
}

/** Rows whose photo version another row of the same run and model has. */
interface Repeats {
  /** What goes: the indices of rows by their file's path. */
  readonly drops: ReadonlyMap<string, ReadonlySet<number>>;
  /** The files of those rows, and the files whose rows stay in their place. */
  readonly files: readonly AddFile[];
  readonly keptIn: readonly AddFile[];
  readonly rows: number;
}

export interface DroppedRepeats {
  readonly rows: number;
  readonly rewrittenFiles: number;
  readonly writtenBytes: number;
  readonly conflict?: Conflict["name"];
}

/**
 * Removes the rows whose photo version another row of the same run and model has, but for the first of each, in one commit
 * that says that rows went: those who keep moments or photo versions of the table read them anew. The commit depends on
 * the rows that stay: where somebody has deleted one meanwhile, nothing is removed.
 *
 * @throws invalid-table when there are repeats and the table is append-only.
 */
export async function dropRepeats(
  table: DeltaTable,
  { rowsHeldMax = VERSIONS_HELD_MAX }: { readonly rowsHeldMax?: number } = {},
): Promise<DroppedRepeats> {
  await table.advance();
  const planned = table.plan();
  const { drops, files, keptIn, rows } = await findTableRepeats(table, [...planned.files.values()], rowsHeldMax);
  const nothing = { rows: 0, rewrittenFiles: 0, writtenBytes: 0 };
  if (rows === 0) return nothing;
  requireDeletable(planned, formatTableUri(table.location));
  const adds: AddFile[] = [];
  for (const file of files) {
    const add = await rewriteFiles(table, planned.metadata, [file], { drops });
    if (add) adds.push(add);
  }
  const result = await table.transact({
    commitId: randomUUID(),
    operation: {
      name: "DELETE",
      parameters: { predicate: ["repeated photo versions"] },
      metrics: { numDeletedRows: rows },
    },
    ...{ reads: { planned, files: keptIn }, removes: files, adds, dataChange: true },
    txns: maintenanceTxns(planned),
  });
  if (result.outcome === "conflict") {
    await deleteUncommitted(table, adds);
    return { ...nothing, conflict: result.conflict.name };
  }
  return { rows, rewrittenFiles: files.length, writtenBytes: adds.reduce((sum, { size }) => sum + size, 0) };
}

/** One transaction rewrites so many files at most; the rest have their turn the next time. */
const FILES_MAX = 256;

/**
 * Finds repeats by some columns of all files. Memory: the photo versions of one share of all rows, by their fingerprints,
 * and 500 bytes for each row that has a repeat.
 */
async function findTableRepeats(access: TableAccess, files: readonly AddFile[], rowsHeldMax: number): Promise<Repeats> {
  const rows = files.reduce((sum, file) => sum + (recordCountOf(file) ?? rowsHeldMax), 0);
  const repeated = new Set<string>();
  // A file that is lost must not keep all others from being maintained.
  const options = { rows, versionsHeldMax: rowsHeldMax, skipsMissing: true };
  await eachRepeat(access, files, (_, fingerprint) => repeated.add(fingerprintKey(fingerprint)), options);
  const found: PlacedRow[] = [];
  if (repeated.size > 0) {
    const onVersion = (version: PlacedPhotoVersion, file: AddFile, row: number) => {
      if (repeated.has(fingerprintKey(fingerprintOf(version)))) found.push({ ...version, file, row });
    };
    await eachPhotoVersion(access, files, onVersion, { skipsMissing: true });
  }
  return placed(found);
}

function placed(found: readonly PlacedRow[]): Repeats {
  const repeats = new Set(findRepeats(found));
  const files = [...new Set(Array.from(repeats, ({ file }) => file))].slice(0, FILES_MAX);
  const rewritten = new Set(files);
  const drops = new Map<string, Set<number>>();
  for (const { file, row } of repeats) {
    if (!rewritten.has(file)) continue;
    const dropped = drops.get(file.path) ?? new Set();
    drops.set(file.path, dropped.add(row));
  }
  const keptIn = new Set(found.filter((row) => !repeats.has(row)).map(({ file }) => file));
  const rows = [...drops.values()].reduce((sum, { size }) => sum + size, 0);
  return { drops, files, keptIn: [...keptIn].filter((file) => !rewritten.has(file)), rows };
}
