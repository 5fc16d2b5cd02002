import { join } from "node:path";
import { plotTable } from "#analysis/plot/plot-table.ts";
import { PhotoAnnouncer } from "#lib/intake/announce-photo.ts";
import type { IngestProgress } from "#lib/intake/ingest-progress.ts";
import { topicShapes, topicsWithPrefix } from "#lib/messages/topics.ts";
import { loadModelFolder } from "#lib/model/model-folder.ts";
import { systemClock } from "#lib/runtime/clock.ts";
import { readConfig } from "#lib/runtime/config.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { makeOutputFolder } from "#lib/runtime/output-folder.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { openTable } from "#lib/table/open-table.ts";
import { askedPartitioning, partitioningConfig } from "#lib/table/partitioning.ts";
import { exportTable, requireEmptyFolder } from "#lib/table/table-export.ts";
import { formatTableUri } from "#lib/table/table-location.ts";
import { describeState, type PipelineState, readPipelineState } from "#ops/pipeline/pipeline-state.ts";
import { reprojectTable, subjectsOf } from "#ops/table/reproject-table.ts";
import { openDemoBackend } from "./choose-backend.ts";
import type { DemoBackend, DemoServices } from "./demo-backend.ts";
import type { DemoDeps, DemoOptions, DemoPlace } from "./demo-options.ts";
import { DEMO_BUCKET, findOrDrawPhotos, requirePhotos } from "./demo-photos.ts";
import { type DemoResult, readDeadLetters, sampleRows } from "./demo-result.ts";
import { demoServicesConfig, groupsOf } from "./demo-services.ts";

const LOOK_MS = 250;

/**
 * Announces the photos, runs the services until each photo is in the table or in dead letters, plots, and stops what it
 * started, also when it fails or is interrupted. Each demo has topics and a table of its own.
 *
 * @throws the signal's reason once everything is stopped.
 */
export async function runDemo(options: DemoOptions, deps: DemoDeps): Promise<DemoResult> {
  await requirePhotos(options);
  await loadModelFolder(options.model);
  if (options.exportFolder !== undefined) await requireEmptyFolder(options.exportFolder);
  const id = demoId();
  const folder = join(options.outputFolder, id);
  const logFolder = join(folder, "logs");
  await makeOutputFolder(logFolder, "the demo's folder");

  const place: DemoPlace = { ...deps, options, id, folder, logFolder };
  const backend = await openDemoBackend(place);
  try {
    deps.signal.throwIfAborted();
    const photos = await findOrDrawPhotos(options, folder, deps);
    return await runOn(place, backend, photos);
  } finally {
    await backend.close();
  }
}

/** What a demo at work has open. */
interface DemoWork {
  readonly table: DeltaTable;
  /** Announces the photos, and sees through what it has begun. */
  readonly announce: (signal: AbortSignal) => Promise<IngestProgress>;
  readonly look: () => Promise<PipelineState>;
}

async function runOn(place: DemoPlace, backend: DemoBackend, photos: string): Promise<DemoResult> {
  const { options, id, onProgress, note } = place;
  const { log, store } = backend;
  const topics = topicsWithPrefix(`${id}.`);
  const location = { bucket: DEMO_BUCKET, prefix: `tables/${id}` };
  const admin = await log.openAdmin();
  const producer = await log.openProducer();
  try {
    await store.ensureBucket(DEMO_BUCKET);
    await admin.ensureTopics(topicShapes(topics, options.partitions));
    const partitioning = askedPartitioning(readConfig(partitioningConfig, place.env));
    const table = await openTable(store, location, { createIfAbsent: true, partitioning });
    const announcer = new PhotoAnnouncer((records) => producer.append(topics.photos, records), systemClock);
    const onRetry = (error: unknown) => note(`trying again: ${String(error)}`);
    const announce = (signal: AbortSignal) =>
      backend.announcePhotos(photos, announcer, { clock: systemClock, signal, onRetry }, ({ announced }) =>
        onProgress(() => `${announced} photos announced`),
      );
    const look = () => readPipelineState(admin, table, topics, groupsOf(id).featurizers);
    const counts = await workThrough(place, backend, { table, announce, look });
    const deadLetters = await readDeadLetters(log, topics.deadLetters);
    return {
      ...counts,
      deadLetters,
      ...(await leaveTable(place, backend, table)),
      isSynthetic: photos !== options.photos,
    };
  } finally {
    await Promise.all([admin.close(), producer.close()]);
  }
}

/** From the start of the services to their end: every photo is announced, featurized and in the table. */
async function workThrough(place: DemoPlace, backend: DemoBackend, { table, announce, look }: DemoWork) {
  const { options, id, signal } = place;
  const ending = new AbortController();
  const ended = AbortSignal.any([signal, ending.signal]);
  const interrupted = rejectionAt(signal);
  let announcing: Promise<IngestProgress> | undefined;
  try {
    const starting = backend.startServices(demoServicesConfig(options, id, formatTableUri(table.location)));
    const services: DemoServices = await Promise.race([starting, interrupted]);
    const broken = Promise.race([services.failure, interrupted]);

    const startedAtMs = systemClock.nowMs();
    announcing = announce(ended);
    const { announced, skipped, skippedByKind, failed } = await Promise.race([announcing, broken]);
    const { rows } = await Promise.race([waitUntilDone(look, announced, startedAtMs, place, ended), broken]);
    const seconds = (systemClock.nowMs() - startedAtMs) / 1_000;
    await services.stop();
    signal.throwIfAborted();
    // A drawn set has an explanation beside its photos, which nobody looks for among them.
    const others = typeof options.photos === "string" ? { skipped, skippedByKind } : { skipped: 0, skippedByKind: {} };
    return { photos: announced, ...others, failed, rows, seconds, rssPeakBytes: services.rssPeakBytes() };
  } finally {
    ending.abort(new Error("the demo has ended"));
    // What was begun is announced, and needs store and producer for it.
    await announcing?.catch(() => undefined);
  }
}

/**
 * What stays when everything is stopped: the table's copy, with all rows projected onto the basis of all rows, and the
 * plots. Whoever looks at the table then sees the figures that the demo tells.
 */
async function leaveTable({ options, folder, logFolder }: DemoPlace, backend: DemoBackend, table: DeltaTable) {
  const tableFolder = options.exportFolder ?? join(folder, "table");
  const uri = formatTableUri(table.location);
  const isStopped = backend.tableAfterwards === "kept-by-stopped-stack";
  await table.advance();
  const { components } = options;
  const { bases } = await reprojectTable(table, { subjects: subjectsOf(table, {}), components });
  await exportTable(table, tableFolder);
  return {
    tableVersion: table.snapshot.version,
    tableFolder,
    origin: backend.tableAfterwards === "removed" ? undefined : { uri, isStopped },
    plots: await plotRows(table, uri, join(folder, "plots")),
    logFolder,
    basis: bases[0]?.basis,
    sampleRows: await sampleRows(table),
  };
}

/** There is nothing to plot with no rows, a single one, or one component. */
async function plotRows(table: DeltaTable, place: string, folder: string): Promise<DemoResult["plots"]> {
  const [file] = table.snapshot.files.values();
  if (!file) return { lacking: "the table has no rows" };
  const { model, run } = file.partitionValues;
  try {
    await plotTable({ place, table }, { model: model!, run: run!, folder });
    return { folder };
  } catch (error) {
    if (error instanceof FruitstreamError && (error.code === "usage" || error.code === "invalid-table"))
      return { lacking: error.message };
    throw error;
  }
}

async function waitUntilDone(
  look: () => Promise<PipelineState>,
  photos: number,
  startedAtMs: number,
  { onProgress }: DemoDeps,
  signal: AbortSignal,
): Promise<PipelineState> {
  for (;;) {
    const state = await look();
    onProgress(() => describeState(state, photos, (systemClock.nowMs() - startedAtMs) / 1_000));
    if (state.featurizerLag === 0 && state.reducerLag === 0) return state;
    await systemClock.sleep(LOOK_MS, signal);
  }
}

function rejectionAt(signal: AbortSignal): Promise<never> {
  const rejection = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    if (signal.aborted) reject(signal.reason);
  });
  // A demo that has failed otherwise waits for it no more.
  rejection.catch(() => undefined);
  return rejection;
}

/** `demo-20260131-235959-abcd`: names topics, photos and the table of one demo. */
function demoId(): string {
  const time = new Date().toISOString().replace(/[-:]/g, "").replace("T", "-").slice(0, 15);
  return `demo-${time}-${Math.random().toString(36).slice(2, 6)}`;
}
