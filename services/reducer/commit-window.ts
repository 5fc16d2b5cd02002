import { randomUUID } from "node:crypto";
import type { MonotonicClock } from "#lib/runtime/clock.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import { metrics } from "#lib/runtime/metrics.ts";
import type { TellStarter } from "#lib/runtime/service-message.ts";
import type { StepName, WaitingRetry } from "#lib/runtime/waiting-retry.ts";
import type { AddFile } from "#lib/table/delta/actions.ts";
import type { CommitRequest, CommitResult, DeltaTable } from "#lib/table/delta/delta-table.ts";
import type { PhotoRow } from "#lib/table/photo-row.ts";
import { writeRows } from "#lib/table/table-files.ts";
import type { Projector } from "./projector.ts";
import type { Window } from "./window.ts";

export interface CommitWindowDeps {
  readonly table: DeltaTable;
  readonly projector: Projector;
  readonly retry: WaitingRetry;
  readonly clock: MonotonicClock;
  readonly logger: Logger;
  /** Told of the commit. */
  readonly tell?: TellStarter | undefined;
}

/**
 * Makes a window one commit of the table: its rows projected, and the offsets and marks that it moves. While S3 is away
 * each step is tried again until the signal aborts.
 *
 * @returns what became of it, and the rows as they are in the table if it was committed.
 */
export async function commitWindow(
  { table, projector, retry, clock, logger, tell }: CommitWindowDeps,
  window: Window,
  signal: AbortSignal,
): Promise<{ result: CommitResult; rows: readonly PhotoRow[] }> {
  const withS3 = <Result>(name: StepName, attempt: () => Promise<Result>) =>
    retry.run({ part: "s3", name, signal, attempt });
  noteRepeats(window, logger);
  const startedAtMs = clock.monotonicMs();
  const { txns, baseTxns, guards } = window;

  const rows = await withS3("pca", () => projector.project(window.rows));
  const adds = await withS3("write-files", () => writeRows(table, rows));
  const moves = { txns, baseTxns, guards };
  const request: CommitRequest = { commitId: randomUUID(), operation: "STREAMING UPDATE", adds, ...moves };
  let files = adds;
  const result = await withS3("commit", async () => {
    // A file that no version names may be vacuumed when it is older: rather than name one that is gone, write another.
    if (areOld(files, clock.nowMs())) files = await writeRows(table, rows);
    return table.commit({ ...request, adds: files });
  });
  if (result.outcome === "fenced") return { result, rows };

  metrics.reducerCommits.inc({ outcome: "committed" });
  const tookMs = Math.round(clock.monotonicMs() - startedAtMs);
  metrics.reducerCommitSeconds.observe(tookMs / 1_000);
  metrics.reducerRows.inc(rows.length);
  metrics.tableVersion.set(result.version);
  const commit = { version: result.version, rows: rows.length, tookMs };
  logger.info(
    { event: "table_committed", ...commit, known: window.known, files: adds.length },
    "window committed to the table",
  );
  tell?.({ kind: "committed", ...commit, atMs: clock.nowMs() });
  return { result, rows };
}

/** Half of what vacuum leaves to a file that no version names, however short the table keeps files. */
const FILE_MS_MAX = 1_800_000;

/** After an outage of S3, or when this process has stood still. */
function areOld(files: readonly AddFile[], nowMs: number): boolean {
  return files.some(({ modificationTime }) => nowMs - modificationTime > FILE_MS_MAX);
}

/** A crash repeats a few vectors; a whole window of them says that something else is wrong. */
function noteRepeats({ rows, repeats, known, forgotten }: Window, logger: Logger): void {
  if (repeats === 0 || rows.length > 0 || known > 0 || forgotten > 0) return;
  const hint = "expected after a crash; otherwise two models share a run, or the topic of photos was created again";
  const fields = { event: "window_all_repeats", repeats };
  logger.warn(fields, `every vector of this window is in the table already: ${hint}`);
}
