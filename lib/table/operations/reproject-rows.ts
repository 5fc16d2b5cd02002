import { randomUUID } from "node:crypto";
import type { Basis } from "#lib/pca/basis.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { retryWithin } from "#lib/runtime/retry.ts";
import type { AddFile, Metadata } from "../delta/actions.ts";
import { recordCountOf, statisticsOf } from "../delta/column-statistics.ts";
import type { DeltaTable } from "../delta/delta-table.ts";
import type { Conflict, PlannedState, TableTransaction } from "../delta/transaction.ts";
import { subjectKey } from "../pca-subject.ts";
import { formatTableUri } from "../table-location.ts";
import { countRows } from "../table-summary.ts";
import { deleteUncommitted, rewriteFiles } from "./rewrite-files.ts";

export interface ReprojectOptions {
  /** What the rows of each subject are to be projected onto, by `subjectKey`; rows of others stay as they are. */
  readonly bases: ReadonlyMap<string, Basis>;
  readonly signal?: AbortSignal;
  /** Told of every file that was written. */
  readonly onProgress?: (progress: ReprojectProgress) => void;
  /** Told of every conflict that was met, before the operation follows what others have done. */
  readonly onConflict?: (conflict: Conflict) => void;
}

export interface ReprojectProgress {
  readonly filesWritten: number;
  /** That have to be written, as far as is known by now. */
  readonly files: number;
  readonly rows: number;
}

export interface Reprojected {
  /** That this has become; undefined where nothing was to be done. */
  readonly version: number | undefined;
  readonly files: number;
  readonly rows: number;
}

/** Reducers of another number of components can make rows to project without an end. */
const PASSES_MAX = 8;
const COMMIT_MS_MAX = 60_000;

/**
 * Projects all rows that have coordinates of another basis, or none, onto their subject's: their files are written anew,
 * one in place of each, and exchanged by one commit. No row is added or lost by it, which `dataChange: false` says.
 *
 * Safe beside reducers, compaction and deletes. Rows that are committed while it runs and need it are taken along, as far
 * as they come before its commit. Files that others have removed meanwhile are left out, so a conflict costs what was
 * written in vain and no more. Two at once are harmless: the second finds nothing left.
 *
 * Memory: `rewriteFiles` of one file. Files that were written and are not committed are deleted again, also on an error;
 * those of a commit whose outcome stays unclear are left to vacuum.
 *
 * @throws invalid-table for a file that can't be read; store-unavailable when conflicts find no end: run it again.
 */
export async function reprojectRows(table: DeltaTable, options: ReprojectOptions): Promise<Reprojected> {
  const written = new Map<string, AddFile>();
  const discard = (paths: Iterable<string>) => discardFiles(table, written, paths);
  let metadata: Metadata | undefined;
  try {
    for (let pass = 1; ; pass++) {
      await table.advance();
      const planned = table.plan();
      // Files are written by the table's columns: with others they are written again.
      if (metadata !== planned.metadata) await discard([...written.keys()]);
      metadata = planned.metadata;
      const stale = staleFiles(planned, options.bases);
      const wanted = new Set(stale.map(({ path }) => path));
      await discard([...written.keys()].filter((path) => !wanted.has(path)));
      const missing = stale.filter(({ path }) => !written.has(path));
      if (missing.length > 0 && pass < PASSES_MAX) {
        await writeFiles(table, planned, missing, written, options);
        continue;
      }
      const removes = stale.filter(({ path }) => written.has(path));
      if (removes.length === 0) return { version: undefined, files: 0, rows: 0 };
      const attempt = new Map(written);
      // While it is unclear whether they are the table's, nobody may delete them.
      written.clear();
      const result = await commit(table, planned, removes, attempt, options.bases);
      if (result.outcome === "committed") {
        return { version: result.version, files: removes.length, rows: countRows({ files: removes }) };
      }
      for (const [path, add] of attempt) written.set(path, add);
      options.onConflict?.(result.conflict);
      if (pass >= 2 * PASSES_MAX) throw tooManyConflicts(table, result.conflict);
    }
  } catch (error) {
    await discard([...written.keys()]).catch(() => undefined);
    throw error;
  }
}

/** The files of which a row may lack the coordinates of its subject's basis, by their statistics. */
export function staleFiles({ files }: Pick<PlannedState, "files">, bases: ReadonlyMap<string, Basis>): AddFile[] {
  return [...files.values()].filter((file) => {
    const basis = basisOf(file, bases);
    return basis !== undefined && !isOfBasis(file, basis);
  });
}

function basisOf({ partitionValues: { model, run } }: AddFile, bases: ReadonlyMap<string, Basis>): Basis | undefined {
  return model && run ? bases.get(subjectKey({ model, run })) : undefined;
}

function isOfBasis(file: AddFile, { version }: Basis): boolean {
  if (recordCountOf(file) === 0) return true;
  const { minValues, maxValues, nullCount } = statisticsOf(file);
  const nulls = nullCount?.pca_version;
  return minValues?.pca_version === version && maxValues?.pca_version === version && nulls === 0;
}

async function writeFiles(
  table: DeltaTable,
  planned: PlannedState,
  files: readonly AddFile[],
  written: Map<string, AddFile>,
  { bases, signal, onProgress }: ReprojectOptions,
): Promise<void> {
  const total = written.size + files.length;
  for (const file of files) {
    signal?.throwIfAborted();
    const basis = basisOf(file, bases);
    try {
      const add = await rewriteFiles(table, planned.metadata, [file], { basis });
      if (add) written.set(file.path, add);
    } catch (error) {
      if (!(await isGone(table, file, error))) throw error;
    }
    onProgress?.({ filesWritten: written.size, files: total, rows: countRows({ files: written }) });
  }
}

/** A file that was removed from the table meanwhile may have been deleted too; one that is still named must be there. */
async function isGone(table: DeltaTable, { path }: AddFile, error: unknown): Promise<boolean> {
  if (!(error instanceof FruitstreamError && error.code === "not-found")) return false;
  await table.advance();
  return !table.snapshot.files.has(path);
}

async function commit(
  table: DeltaTable,
  planned: PlannedState,
  removes: readonly AddFile[],
  written: ReadonlyMap<string, AddFile>,
  bases: ReadonlyMap<string, Basis>,
) {
  const versions = Object.fromEntries([...bases].map(([key, { version }]) => [key, version]));
  const transaction: TableTransaction = {
    commitId: randomUUID(),
    operation: { name: "REPROJECT", parameters: { bases: versions } },
    reads: { planned },
    removes,
    adds: removes.map(({ path }) => written.get(path)!),
    dataChange: false,
  };
  // Repeated after an unclear failure, the same transaction is committed once.
  return retryWithin(COMMIT_MS_MAX, () => table.transact(transaction));
}

async function discardFiles(table: DeltaTable, written: Map<string, AddFile>, paths: Iterable<string>): Promise<void> {
  for (const path of paths) {
    await deleteUncommitted(table, [written.get(path)!]);
    written.delete(path);
  }
}

function tooManyConflicts({ location }: DeltaTable, { name, detail }: Conflict): FruitstreamError {
  const problem = `${formatTableUri(location)} was changed by others each time its rows were to be exchanged`;
  return new FruitstreamError(
    "store-unavailable",
    `${problem} (${name}: ${detail}); run it again when they have ended`,
  );
}
