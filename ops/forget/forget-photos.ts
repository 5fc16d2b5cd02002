import { randomUUID } from "node:crypto";
import { ForgottenPhotos, ruleKey } from "#lib/messages/forgotten-photos.ts";
import { ForgottenTopic, ruleRecord } from "#lib/messages/forgotten-topic.ts";
import { topicShapes } from "#lib/messages/topics.ts";
import type { MatrixKernel } from "#lib/pca/kernel/matrix-kernel.ts";
import { silentLogger } from "#lib/runtime/logger.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { deleteRows } from "#lib/table/operations/delete-rows.ts";
import { FORGOTTEN_APP_ID } from "#lib/table/table-progress.ts";
import type { MessageAccess } from "#ops/pipeline/pipeline-access.ts";
import { subjectsOf } from "#ops/table/reproject-table.ts";
import { eraseAnnouncements } from "./forget-announcements.ts";
import { renewCaches } from "./forget-caches.ts";
import { deleteLetters } from "./forget-letters.ts";
import { bucketsOf, deleteObjects } from "./forget-objects.ts";
import { type ForgetRequest, receiptIdOf, requireForgetRequest, rulesOf } from "./forget-request.ts";
import { goneByOf } from "./gone-by.ts";
import { deleteOldFiles } from "./old-files.ts";
import { type Receipt, readReceipt, writeReceipt } from "./receipt.ts";

/** Everywhere that a photo leaves traces. */
export interface ForgetDeps {
  readonly table: DeltaTable;
  /** Where the photos rest. */
  readonly photoStore: Pick<ObjectStore, "listVersions" | "deleteVersion">;
  /** The topics of all pipelines that write to the table: one, but for folders of `local`, which have one for each model. */
  readonly logs: readonly MessageAccess[];
  /** Takes a line for the person who waits. */
  readonly note: (line: string) => void;
  readonly openKernel?: () => Promise<MatrixKernel>;
}

export interface ForgetOptions {
  /** Removes the files of older versions that have such rows at once, not after the table's retention. */
  readonly isPurge?: boolean;
}

/**
 * Forgets photos: the objects with all their versions, rows, dead letters, and what was computed from the rows; and has
 * nothing bring them back. May run beside the services. Interrupted at any point, the same request goes on where it was,
 * and a request that is done may be repeated: it finds what has come since.
 *
 * The order is what makes it safe. The topic of forgotten photos says first which they are; then the table counts the
 * forgetting, which fences every window that was filtered by what the topic said before. So no row of these photos is
 * committed after that, and the rows that are there can be deleted one after the other.
 *
 * @returns the receipt, which lies beside the table.
 * @throws usage for a request that names no photos; what a store or a log throws: then repeat the request.
 */
export async function forgetPhotos(
  request: ForgetRequest,
  deps: ForgetDeps,
  { isPurge = false }: ForgetOptions = {},
): Promise<Receipt> {
  requireForgetRequest(request);
  const { table, logs, photoStore, note } = deps;
  const { receipt: begun, isResumed } = await begin(request, table);
  const forgotten = new ForgottenPhotos(begun.rules);
  let receipt = begun;
  const keep = async (changes: Partial<Receipt>) => {
    receipt = { ...receipt, ...changes };
    await writeReceipt(table, receipt);
  };
  // What other tools have written over is put back now, so that it is not put back with its rows when these are deleted.
  await table.writes();
  for (const log of logs) await announce(log, forgotten);
  await countForgetting(table);
  const deleted = await deleteRows(table, ({ path, ingestedAtMs }) => forgotten.has(path, ingestedAtMs));
  // An attempt that was interrupted may have deleted rows and not have said so.
  const version = deleted.version ?? (isResumed ? table.snapshot.version : receipt.tableVersion);
  const files = [...new Set([...receipt.files, ...deleted.files])];
  await keep({ rows: receipt.rows + deleted.rows, files, tableVersion: version });
  await keep({ objects: receipt.objects + (await deleteObjects(photoStore, request)) });
  for (const log of logs) {
    await keep({ letters: receipt.letters + (await deleteLetters(log, forgotten)) });
    await eraseAnnouncements(log, forgotten);
  }
  if (version !== null) {
    const subjects = isResumed ? subjectsOf(table, {}) : deleted.subjects;
    await renewCaches(table, version, subjects, deps.openKernel);
  }
  const onUnreadable = (path: string, problem: string) => note(`could not look into ${path}: ${problem}`);
  await deleteOldFiles(table, forgotten, isPurge, onUnreadable);
  const hasFound = receipt.rows + receipt.objects + receipt.letters > begun.rows + begun.objects + begun.letters;
  const goneBy = begun.state === "done" && !hasFound ? receipt.goneBy : await goneByOf(table, logs);
  await keep({ state: "done", doneAt: new Date(table.clock.nowMs()).toISOString(), goneBy });
  return receipt;
}

/** The receipt of the request: that of an attempt before, or a new one. Written before anything is done. */
async function begin(
  request: ForgetRequest,
  table: DeltaTable,
): Promise<{ readonly receipt: Receipt; readonly isResumed: boolean }> {
  const rules = rulesOf(request);
  const id = receiptIdOf(rules);
  const before = await readReceipt(table, id);
  if (before) return { receipt: before, isResumed: before.state === "begun" };
  const receipt: Receipt = {
    format: "fruitstream-receipt",
    formatVersion: 1,
    id,
    state: "begun",
    begunAt: new Date(table.clock.nowMs()).toISOString(),
    doneAt: null,
    rules,
    buckets: bucketsOf(request),
    objects: 0,
    rows: 0,
    letters: 0,
    files: [],
    tableVersion: null,
    goneBy: {},
  };
  await writeReceipt(table, receipt);
  return { receipt, isResumed: false };
}

/** Says on the topic which photos are forgotten, unless it says so already. A rule that is stricter stays. */
async function announce({ log, admin, producer, topics }: MessageAccess, forgotten: ForgottenPhotos): Promise<void> {
  await admin.ensureTopics(topicShapes(topics, 1).filter(({ topic }) => topic === topics.forgotten));
  const known = new ForgottenTopic({ topic: topics.forgotten, log, admin, logger: silentLogger });
  await known.refresh();
  const before = new Map(known.photos.rules.map((rule) => [ruleKey(rule), rule]));
  for (const rule of forgotten.rules) known.photos.add(rule);
  const changed = known.photos.rules.filter(
    (rule) => before.get(ruleKey(rule))?.announcedBeforeMs !== rule.announcedBeforeMs,
  );
  if (changed.length > 0) await producer.append(topics.forgotten, changed.map(ruleRecord));
}

/** Fences the windows of reducers that don't know of it yet. Counted by every attempt: nobody knows what the last one did. */
async function countForgetting(table: DeltaTable): Promise<void> {
  for (;;) {
    await table.advance();
    const base = table.snapshot.txnVersions.get(FORGOTTEN_APP_ID);
    const { outcome } = await table.transact({
      commitId: randomUUID(),
      operation: { name: "FORGET", parameters: {} },
      adds: [],
      txns: [{ appId: FORGOTTEN_APP_ID, base, version: (base ?? 0) + 1 }],
    });
    // Another forgetting came in between: one more count fences whoever has seen only that.
    if (outcome === "committed") return;
  }
}
