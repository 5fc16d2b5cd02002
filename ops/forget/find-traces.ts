import type { ForgottenPhotos } from "#lib/messages/forgotten-photos.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { formatS3Uri, type ObjectStore } from "#lib/store/object-store.ts";
import type { AddFile } from "#lib/table/delta/actions.ts";
import { readCheckpoint } from "#lib/table/delta/checkpoint.ts";
import { statisticsOf } from "#lib/table/delta/column-statistics.ts";
import { commitPath, readCommit } from "#lib/table/delta/delta-log.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { listLog } from "#lib/table/delta/list-log.ts";
import { readRowsToDelete } from "#lib/table/operations/delete-rows.ts";
import type { TableAccess } from "#lib/table/table-location.ts";
import type { MessageAccess } from "#ops/pipeline/pipeline-access.ts";
import { findRecords } from "./forget-announcements.ts";
import { findStaleCheckpoints } from "./forget-caches.ts";
import { findLetters } from "./forget-letters.ts";
import { findOldFiles } from "./old-files.ts";
import type { Receipt } from "./receipt.ts";

/** Something that is left of forgotten photos. It names the place, and no photo. */
export interface Trace {
  readonly place:
    | "object"
    | "row"
    | "file of an older version"
    | "table log"
    | "checkpoint"
    | "announcement"
    | "vector"
    | "dead letter";
  /** A path in the table, a topic with partition and offset, or a bucket. */
  readonly where: string;
  readonly count: number;
  /** An ISO time at which it will have gone by itself; null where it never does: forget the photos again. */
  readonly goneBy: string | null;
}

export interface FindTracesDeps {
  readonly table: DeltaTable;
  readonly photoStore: Pick<ObjectStore, "listVersions">;
  readonly logs: readonly MessageAccess[];
  /** Told of a file that can't be read, so that nobody knows what is in it. */
  readonly onUnreadable: (path: string, problem: string) => void;
}

/** Before anything that says when it was. */
const ALWAYS = Number.NEGATIVE_INFINITY;

/**
 * Searches every place for what is left of a receipt's photos: all versions of all objects of its buckets, the files of the
 * newest version, those of older ones and those of none, the log with its checkpoints, topics, dead letters, and checkpoints
 * of what was computed from deleted rows. Reads only. The receipt names no photo: what is found is held against its hashes.
 */
export async function* findTraces(
  receipt: Receipt,
  forgotten: ForgottenPhotos,
  { table, photoStore, logs, onUnreadable }: FindTracesDeps,
): AsyncGenerator<Trace, void, undefined> {
  for (const bucket of receipt.buckets) yield* findInBucket(bucket, forgotten, photoStore);
  await table.advance();
  for (const file of table.snapshot.files.values()) yield* findInFile(table, file, forgotten);
  for (const { path, expiresAtMs } of await findOldFiles(table, forgotten, onUnreadable)) {
    const goneBy = new Date(expiresAtMs).toISOString();
    yield { place: "file of an older version", where: path, count: 1, goneBy };
  }
  yield* findInLog(table, receipt, forgotten);
  if (receipt.tableVersion !== null) {
    for (const { path } of await findStaleCheckpoints(table, receipt.tableVersion)) {
      yield { place: "checkpoint", where: path, count: 1, goneBy: null };
    }
  }
  for (const log of logs) yield* findInTopics(log, receipt, forgotten);
}

async function* findInBucket(
  bucket: string,
  forgotten: ForgottenPhotos,
  photoStore: Pick<ObjectStore, "listVersions">,
): AsyncGenerator<Trace> {
  let count = 0;
  for await (const { key, modifiedAtMs } of photoStore.listVersions(bucket, "")) {
    if (forgotten.has(formatS3Uri({ bucket, key }), modifiedAtMs)) count += 1;
  }
  if (count > 0) yield { place: "object", where: bucket, count, goneBy: null };
}

async function* findInFile(table: TableAccess, file: AddFile, forgotten: ForgottenPhotos): AsyncGenerator<Trace> {
  let count = 0;
  for await (const rows of readRowsToDelete(table, file)) {
    count += rows.filter(({ path, ingestedAtMs }) => forgotten.has(path, ingestedAtMs)).length;
  }
  if (count > 0) yield { place: "row", where: file.path, count, goneBy: null };
}

/** Files' bounds of `path` may be a photo's: those of files that had such rows, and those that are one of the photos. */
async function* findInLog(table: DeltaTable, receipt: Receipt, forgotten: ForgottenPhotos): AsyncGenerator<Trace> {
  const files = new Set(receipt.files);
  const isTrace = (add: AddFile) => {
    const { minValues, maxValues } = statisticsOf(add);
    const bounds = [minValues?.path, maxValues?.path].filter((bound) => typeof bound === "string");
    return bounds.length > 0 && (files.has(add.path) || bounds.some((bound) => forgotten.has(bound, ALWAYS)));
  };
  const goneBy = receipt.goneBy["table log"] ?? null;
  const { commits, checkpoints } = await listLog(table, 0);
  for (const version of commits) {
    const count = (await readCommit(table, version))?.adds.filter(isTrace).length ?? 0;
    if (count > 0) yield { place: "table log", where: commitPath(version), count, goneBy };
  }
  for (const checkpoint of checkpoints) {
    const count = await countInCheckpoint(table, checkpoint, isTrace);
    if (count > 0) yield { place: "table log", where: checkpoint.paths.join(", "), count, goneBy };
  }
}

async function countInCheckpoint(
  table: DeltaTable,
  checkpoint: Parameters<typeof readCheckpoint>[1],
  isTrace: (add: AddFile) => boolean,
): Promise<number> {
  try {
    return [...(await readCheckpoint(table, checkpoint)).files.values()].filter(isTrace).length;
  } catch (error) {
    // Log clean-up was faster, or it is damaged: then nobody reads it either.
    if (error instanceof FruitstreamError && error.code === "invalid-table") return 0;
    throw error;
  }
}

async function* findInTopics(
  log: MessageAccess,
  { goneBy }: Receipt,
  forgotten: ForgottenPhotos,
): AsyncGenerator<Trace> {
  const { photos, features, deadLetters } = log.topics;
  for (const [place, topic] of [["announcement", photos] as const, ["vector", features] as const]) {
    const count = (await findRecords(log, topic, forgotten)).length;
    if (count > 0) yield { place, where: topic, count, goneBy: goneBy[`topic ${topic}`] ?? null };
  }
  const letters = await findLetters(log, forgotten);
  if (letters.length > 0) yield { place: "dead letter", where: deadLetters, count: letters.length, goneBy: null };
}
