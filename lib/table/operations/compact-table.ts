import { randomUUID } from "node:crypto";
import type { Basis } from "#lib/pca/basis.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { BasisStore } from "../basis-store.ts";
import type { AddFile } from "../delta/actions.ts";
import type { DeltaTable } from "../delta/delta-table.ts";
import type { Conflict, PlannedState } from "../delta/transaction.ts";
import { type PcaSubject, subjectKey } from "../pca-subject.ts";
import { maintenanceTxns } from "./maintenance-txn.ts";
import { type CompactionGroup, type CompactionOptions, planCompaction } from "./plan-compaction.ts";
import { deleteUncommitted, rewriteFiles } from "./rewrite-files.ts";

/** What a compaction has done. */
export interface CompactionSummary {
  readonly commits: number;
  readonly removedFiles: number;
  readonly removedBytes: number;
  readonly addedFiles: number;
  readonly addedBytes: number;
  /** Commits that were given up since others had changed what they were about. */
  readonly conflicts: readonly Conflict["name"][];
  /** Another maintainer commits to the table: this one has left the rest to it. */
  readonly isOverridden: boolean;
  /** Files that can't be rewritten, and why; they stay as they are. */
  readonly left: readonly { readonly path: string; readonly reason: string }[];
}

export interface CompactionDeps {
  /** Told after each commit. */
  readonly onProgress?: ((summary: CompactionSummary) => void) | undefined;
  /** Asked between some files and the next. */
  readonly signal?: AbortSignal | undefined;
}

/** Whoever changes the same files all the time is left alone until the next round. */
const CONFLICTS_MAX = 10;

/** As many groups as this, or those whose bytes a full file has, are one commit. */
const COMMIT_GROUPS_MAX = 64;

/**
 * Makes few files of many, until there is nothing left to do: each group of `planCompaction` becomes one file, its rows
 * projected onto the newest basis of their model and run. The commits change no data: readers of the table's changes,
 * the reducers' moments and photo versions among them, pass them over. They are never in the way of those who append.
 *
 * Memory: as `rewriteFiles`, and the table's state once more.
 *
 * @throws store-unavailable when the store does not answer: what was committed stays, and the rest may be tried again.
 */
export async function compactTable(
  table: DeltaTable,
  options: CompactionOptions,
  { onProgress, signal }: CompactionDeps = {},
): Promise<CompactionSummary> {
  const left = new Map<string, string>();
  const conflicts: Conflict["name"][] = [];
  const counts = { commits: 0, removedFiles: 0, removedBytes: 0, addedFiles: 0, addedBytes: 0 };
  const summary = (isOverridden = false): CompactionSummary => ({
    ...counts,
    conflicts,
    isOverridden,
    left: Array.from(left, ([path, reason]) => ({ path, reason })),
  });
  for (;;) {
    await table.advance();
    const planned = table.plan();
    const groups = planCompaction(planned, options, table.clock.nowMs(), (path) => left.has(path));
    if (groups.length === 0) return summary();
    const rewritten = await rewriteGroups(table, planned, firstGroups(groups, options.fileBytesMax), left, signal);
    if (rewritten.removes.length === 0) continue;
    const conflict = await commit(table, planned, rewritten);
    if (conflict) {
      conflicts.push(conflict.name);
      table.logger.info({ event: "compaction_conflict", conflict: conflict.name, detail: conflict.detail }, "conflict");
      const isOverridden = conflict.name === "ConcurrentTransaction";
      if (isOverridden || conflicts.length >= CONFLICTS_MAX) return summary(isOverridden);
      continue;
    }
    counts.commits += 1;
    counts.removedFiles += rewritten.removes.length;
    counts.removedBytes += bytesOf(rewritten.removes);
    counts.addedFiles += rewritten.adds.length;
    counts.addedBytes += bytesOf(rewritten.adds);
    onProgress?.(summary());
  }
}

interface Rewritten {
  readonly removes: AddFile[];
  readonly adds: AddFile[];
}

/** The next commit's: what is planned after it is planned anew, on the state that it leaves. */
function firstGroups(groups: readonly CompactionGroup[], bytesMax: number): CompactionGroup[] {
  const first: CompactionGroup[] = [];
  let bytes = 0;
  for (const group of groups.slice(0, COMMIT_GROUPS_MAX)) {
    bytes += bytesOf(group.files);
    if (first.length > 0 && bytes > bytesMax) break;
    first.push(group);
  }
  return first;
}

async function rewriteGroups(
  table: DeltaTable,
  { metadata }: PlannedState,
  groups: readonly CompactionGroup[],
  left: Map<string, string>,
  signal: AbortSignal | undefined,
): Promise<Rewritten> {
  const rewritten: Rewritten = { removes: [], adds: [] };
  const bases = new Map<string, Basis | undefined>();
  try {
    for (const { files, partitionValues } of groups) {
      signal?.throwIfAborted();
      const basis = await newestBasis(table, partitionValues, bases);
      const rewrite = (some: readonly AddFile[]) => rewriteFiles(table, metadata, some, { basis });
      await rewriteGroup(files, rewrite, rewritten, (some, error) => leave(table, some, error, left));
    }
  } catch (error) {
    await deleteUncommitted(table, rewritten.adds).catch(() => undefined);
    throw error;
  }
  return rewritten;
}

/**
 * One file that can't be read or copied must not keep all others from being compacted. Which one it is, is not known, so
 * that halves are tried, down to two files.
 */
async function rewriteGroup(
  files: readonly AddFile[],
  rewrite: (files: readonly AddFile[]) => Promise<AddFile | undefined>,
  rewritten: Rewritten,
  leaveFiles: (files: readonly AddFile[], error: FruitstreamError) => void,
): Promise<void> {
  try {
    const add = await rewrite(files);
    rewritten.removes.push(...files);
    if (add) rewritten.adds.push(add);
  } catch (error) {
    if (!(error instanceof FruitstreamError && ["invalid-table", "not-found"].includes(error.code))) throw error;
    if (files.length === 2) return leaveFiles(files, error);
    const middle = files.length >> 1;
    for (const half of [files.slice(0, middle), files.slice(middle)]) {
      // A single file is no group: the next plan has a place for it, or it has failed by then.
      if (half.length > 1) await rewriteGroup(half, rewrite, rewritten, leaveFiles);
    }
  }
}

function leave(table: DeltaTable, files: readonly AddFile[], error: FruitstreamError, left: Map<string, string>): void {
  for (const { path } of files) left.set(path, error.message);
  const fields = { event: "files_not_compacted", err: error, files: files.length, first: files[0]?.path };
  table.logger.warn(fields, "could not compact files; they stay as they are");
}

async function newestBasis(
  table: DeltaTable,
  { model, run }: AddFile["partitionValues"],
  bases: Map<string, Basis | undefined>,
): Promise<Basis | undefined> {
  if (!model || !run) return undefined;
  const subject: PcaSubject = { model, run };
  const key = subjectKey(subject);
  if (!bases.has(key)) bases.set(key, await new BasisStore(table, subject).refresh());
  return bases.get(key);
}

/** @returns what keeps it from being committed; the files that were written are deleted then. */
async function commit(
  table: DeltaTable,
  planned: PlannedState,
  { removes, adds }: Rewritten,
): Promise<Conflict | undefined> {
  const result = await table.transact({
    commitId: randomUUID(),
    operation: { name: "OPTIMIZE", parameters: { predicate: [], auto: false } },
    ...{ reads: { planned }, removes, adds, dataChange: false },
    txns: maintenanceTxns(planned),
  });
  if (result.outcome === "committed") return undefined;
  await deleteUncommitted(table, adds);
  return result.conflict;
}

function bytesOf(files: readonly AddFile[]): number {
  return files.reduce((sum, { size }) => sum + size, 0);
}
