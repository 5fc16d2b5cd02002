import { randomUUID } from "node:crypto";
import type { RecordLog } from "#lib/log/record-log.ts";
import { deadLetterCodec, photoArrivedCodec, photoFeaturesCodec } from "#lib/messages/avro/avro-codec.ts";
import type { SchemaTopic } from "#lib/messages/avro/schema-topic.ts";
import { ForgottenPhotos } from "#lib/messages/forgotten-photos.ts";
import type { PhotoFeatures } from "#lib/messages/messages.ts";
import { topicShapes, topicsWithPrefix } from "#lib/messages/topics.ts";
import { systemClock } from "#lib/runtime/clock.ts";
import { silentLogger } from "#lib/runtime/logger.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { openTable } from "#lib/table/open-table.ts";
import type { PhotoRow } from "#lib/table/photo-row.ts";
import { writeRows } from "#lib/table/table-files.ts";
import { TableProgress } from "#lib/table/table-progress.ts";
import { findTraces, type Trace } from "#ops/forget/find-traces.ts";
import type { ForgetDeps } from "#ops/forget/forget-photos.ts";
import type { Receipt } from "#ops/forget/receipt.ts";
import type { MessageAccess } from "#ops/pipeline/pipeline-access.ts";
import { SubjectBases } from "#services/reducer/subject-bases.ts";
import { TableMoments } from "#services/reducer/table-moments.ts";
import { createMemoryObjectStore } from "../../../fakes/memory-object-store.ts";
import { MemoryRecordLog } from "../../../fakes/memory-record-log.ts";
import { loopKernel } from "../../lib/pca/loop-kernel.ts";
import { photoRow } from "../../lib/table/photo-rows.ts";

const topics = topicsWithPrefix("");
export const location = { bucket: "tables", prefix: "t" };
export const subject = { model: "m-0123456789ab", run: "live" };
const DIMENSIONS = 8;

/** A pipeline that has taken some photos: objects, messages, rows, a dead letter of each, moments and a basis. */
export interface ForgetWorld {
  readonly store: ObjectStore;
  readonly log: MemoryRecordLog;
  readonly table: DeltaTable;
  readonly deps: ForgetDeps;
}

export function uriOf(index: number): string {
  return `s3://photos/${index % 2 === 0 ? "even" : "odd"}/${index}.jpg`;
}

export async function createForgetWorld(photos = 6, rowsPerFile = 3): Promise<ForgetWorld> {
  const store = createMemoryObjectStore(["photos", location.bucket]);
  const log = new MemoryRecordLog();
  await log.ensureTopics(topicShapes(topics, 1));
  const table = await openTable(store, location, { createIfAbsent: true });
  const rows = Array.from({ length: photos }, (_, index) => rowAt(index));
  for (const [index, row] of rows.entries()) {
    const key = row.path.slice("s3://photos/".length);
    const { etag } = await store.put({ bucket: "photos", key }, Buffer.from(row.path));
    const message = { ...vectorAt(index), etag };
    const arrived = { ...message, sizeBytes: 1 };
    const original = { key: Buffer.from(key), value: photoArrivedCodec.encode(arrived) };
    await log.append(topics.photos, [original]);
    await log.append(topics.features, [{ key: null, value: photoFeaturesCodec.encode(message) }]);
    const letter = deadLetterCodec.encode({
      ...{ run: "live", sourceTopic: topics.photos, sourcePartition: 0, sourceOffset: index, reason: "not-found" },
      ...{ detail: row.path, uri: row.path, failedAtMs: 1, traceparent: null },
      ...{ originalKey: original.key, originalValue: original.value },
    });
    await log.append(topics.deadLetters, [{ key: original.key, value: letter }]);
  }
  for (let first = 0; first < photos; first += rowsPerFile) await commit(table, rows.slice(first, first + rowsPerFile));
  await keepMoments(table);
  return { store, log, table, deps: depsOf(store, log, table) };
}

export function depsOf(store: ObjectStore, log: MemoryRecordLog, table: DeltaTable): ForgetDeps {
  const access: MessageAccess = {
    topics,
    log: log as unknown as RecordLog,
    admin: log,
    producer: log,
    schemas: { learn: async () => undefined } as unknown as SchemaTopic,
  };
  return { table, photoStore: store, logs: [access], note: () => undefined, openKernel: async () => loopKernel };
}

/** The same table as another process opens it. */
export function reopened(store: ObjectStore): Promise<DeltaTable> {
  return openTable(store, location, { clock: systemClock, logger: silentLogger });
}

export function rowAt(index: number): PhotoRow {
  const at = { ...subject, path: uriOf(index), sourceOffset: index, ingestedAtMs: 1_700_000_000_000 + index };
  return photoRow({ ...at, pcaFeatures: null, pcaVersion: null });
}

function vectorAt(index: number): PhotoFeatures {
  const { features, model, run, ingestedAtMs } = rowAt(index);
  return {
    ...{ run, model, features, ingestedAtMs, bucket: "photos", key: uriOf(index).slice("s3://photos/".length) },
    ...{ sourceTopic: topics.photos, sourcePartition: 0, sourceOffset: index, etag: "e", label: null },
    ...{ widthPx: 1, heightPx: 1, capturedAtMs: 1, capturedAtSource: null, featurizedAtMs: 2 },
    ...{ predictions: null, traceparent: null },
  };
}

/** Commits rows as a reducer does. */
async function commit(table: DeltaTable, rows: readonly PhotoRow[]): Promise<void> {
  const progress = new TableProgress(topics.features, table.snapshot.txnVersions);
  const version = rows.at(-1)!.sourceOffset + 1;
  const txns = [progress.offsetAppId(0), `fruitstream/high-water/live/${topics.photos}/0`].map((appId) => ({
    appId,
    version,
  }));
  const baseTxns = new Map(txns.map(({ appId }) => [appId, progress.get(appId)]));
  const adds = await writeRows(table, rows);
  await table.commit({ commitId: randomUUID(), operation: "STREAMING UPDATE", adds, txns, baseTxns });
}

async function keepMoments(table: DeltaTable): Promise<void> {
  const moments = await TableMoments.load(table, subject, DIMENSIONS, loopKernel);
  await moments.save();
  const bases = new SubjectBases(table, loopKernel, 2);
  await bases.publish(subject, await bases.compute(subject, moments.moments));
}

/** Everything that is left of a receipt's photos, place by place. */
export async function tracesOf({ store, log }: Pick<ForgetWorld, "store" | "log">, receipt: Receipt): Promise<Trace[]> {
  const table = await reopened(store);
  const found: Trace[] = [];
  const deps = { ...depsOf(store, log, table), onUnreadable: () => undefined };
  for await (const trace of findTraces(receipt, new ForgottenPhotos(receipt.rules), deps)) found.push(trace);
  return found;
}
