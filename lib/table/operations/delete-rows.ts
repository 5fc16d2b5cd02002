import { randomUUID } from "node:crypto";
import pLimit from "p-limit";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { AddFile } from "../delta/actions.ts";
import type { DeltaTable } from "../delta/delta-table.ts";
import { requireDeletable } from "../delta/table-features.ts";
import type { PlannedState } from "../delta/transaction.ts";
import { type PcaSubject, subjectKey, subjectOf } from "../pca-subject.ts";
import { readColumns } from "../read-columns.ts";
import { formatTableUri, type TableAccess } from "../table-location.ts";
import { deleteUncommitted, rewriteFiles } from "./rewrite-files.ts";

/** What a row is chosen by. */
export interface RowToDelete {
  /** As in the column `path`; empty where another tool has left it out. */
  readonly path: string;
  /** 0 where another tool has left it out. */
  readonly ingestedAtMs: number;
}

/** What a deletion has done. */
export interface DeletedRows {
  readonly rows: number;
  /** Files that were rewritten or removed, by their paths in the table. */
  readonly files: readonly string[];
  /** Of which rows were deleted. */
  readonly subjects: readonly PcaSubject[];
  /** The last version that it has committed; undefined when there was nothing to delete. */
  readonly version: number | undefined;
}

/** One transaction rewrites so many files, so that others' rewriting of one of them costs little work. */
const FILES_PER_COMMIT_MAX = 64;
/** Of each file one row group of two columns is held. */
const FILES_READ_MAX = 8;
/** A conflict means that somebody else has rewritten a file meanwhile, which takes longer than planning anew. */
const CONFLICTS_MAX = 20;

/**
 * Deletes rows from the newest version of the table by copy-on-write: each file that has some is replaced by one with its
 * other rows. Rows that are appended meanwhile are looked at, too, as far as they are committed before the last look.
 * Interrupted at any point the table has each row to be deleted or has it not, and a further call goes on.
 *
 * @param isDeleted asked once for each row of a file, or again where a conflict has others plan anew.
 * @throws invalid-table when the table is append-only, or a file can't be read; store-unavailable when others rewrite the
 * same files faster.
 */
export async function deleteRows(table: DeltaTable, isDeleted: (row: RowToDelete) => boolean): Promise<DeletedRows> {
  const done = { rows: 0, files: [] as string[], subjects: new Map<string, PcaSubject>() };
  /** Immutable files without such rows need not be read again. */
  const clean = new Set<string>();
  let version: number | undefined;
  for (let conflicts = 0; ; ) {
    await table.advance();
    requireDeletable(table.snapshot, formatTableUri(table.location));
    const planned = table.plan();
    const drops = await findDrops(table, planned, isDeleted, clean);
    if (drops.size === 0) {
      return { rows: done.rows, files: done.files, subjects: [...done.subjects.values()], version };
    }
    const committed = await rewrite(table, planned, drops);
    if (committed === undefined) {
      conflicts += 1;
      if (conflicts <= CONFLICTS_MAX) continue;
      const problem = `${formatTableUri(table.location)}: others rewrote the same files ${conflicts} times`;
      throw new FruitstreamError("store-unavailable", `${problem}; stop them, and try again`);
    }
    version = committed;
    for (const [path, rows] of drops) {
      const subject = subjectOf(planned.files.get(path)!);
      done.rows += rows.size;
      done.files.push(path);
      done.subjects.set(subjectKey(subject), subject);
    }
  }
}

/** Rows to be deleted of some files, by path and index. */
type Drops = ReadonlyMap<string, ReadonlySet<number>>;

async function findDrops(
  table: DeltaTable,
  { files }: PlannedState,
  isDeleted: (row: RowToDelete) => boolean,
  clean: Set<string>,
): Promise<Drops> {
  const drops = new Map<string, ReadonlySet<number>>();
  const unknown = [...files.values()].filter(({ path }) => !clean.has(path));
  for (let first = 0; first < unknown.length && drops.size < FILES_PER_COMMIT_MAX; first += FILES_PER_COMMIT_MAX) {
    const some = unknown.slice(first, first + FILES_PER_COMMIT_MAX);
    await pLimit(FILES_READ_MAX).map(some, async (file) => {
      const rows = await findRows(table, file, isDeleted);
      if (rows.size === 0) clean.add(file.path);
      else drops.set(file.path, rows);
    });
  }
  return new Map([...drops].slice(0, FILES_PER_COMMIT_MAX));
}

async function findRows(
  table: DeltaTable,
  file: AddFile,
  isDeleted: (row: RowToDelete) => boolean,
): Promise<ReadonlySet<number>> {
  const found = new Set<number>();
  let index = 0;
  for await (const rows of readRowsToDelete(table, file)) {
    for (const row of rows) {
      if (isDeleted(row)) found.add(index);
      index += 1;
    }
  }
  return found;
}

/** All rows of a file by what they are chosen by, in order and some at a time. @throws as `readColumns`. */
export async function* readRowsToDelete(access: TableAccess, file: AddFile): AsyncGenerator<RowToDelete[]> {
  for await (const rows of readColumns(access, file, ["path", "ingested_at"])) yield rows.map(rowToDelete);
}

function rowToDelete({ path, ingested_at }: Record<string, unknown>): RowToDelete {
  return {
    path: typeof path === "string" ? path : "",
    ingestedAtMs: ingested_at instanceof Date ? ingested_at.getTime() : 0,
  };
}

/** @returns the version; undefined on a conflict, of which nothing is left. */
async function rewrite(table: DeltaTable, planned: PlannedState, drops: Drops): Promise<number | undefined> {
  const removes = Array.from(drops.keys(), (path) => planned.files.get(path)!);
  const adds: AddFile[] = [];
  try {
    for (const file of removes) {
      const add = await rewriteFiles(table, planned.metadata, [file], { drops });
      if (add) adds.push(add);
    }
  } catch (error) {
    await deleteUncommitted(table, adds);
    // Whoever has rewritten it meanwhile has deleted it, too.
    if (error instanceof FruitstreamError && error.code === "not-found") return undefined;
    throw error;
  }
  const deleted = Array.from(drops.values(), ({ size }) => size).reduce((sum, size) => sum + size, 0);
  const operation = { name: "DELETE", parameters: { predicate: [] }, metrics: { numDeletedRows: deleted } };
  const commitId = randomUUID();
  const result = await table.transact({ commitId, operation, reads: { planned }, removes, adds });
  if (result.outcome === "committed") return result.version;
  await deleteUncommitted(table, adds);
  return undefined;
}
