import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { plotTable } from "#analysis/plot/plot-table.ts";
import { StatusLine } from "#cli/status-line.ts";
import { PhotoAnnouncer } from "#lib/intake/announce-photo.ts";
import type { IngestProgress } from "#lib/intake/ingest-progress.ts";
import { uploadFolder } from "#lib/intake/upload-folder.ts";
import { topicShapes, topicsWithPrefix } from "#lib/messages/topics.ts";
import { loadModelFolder } from "#lib/model/model-folder.ts";
import { UNLABELLED_FOLDERS } from "#lib/photo/photo-label.ts";
import { suffixTest, UPLOADED_SUFFIXES } from "#lib/photo/photo-suffixes.ts";
import { systemClock } from "#lib/runtime/clock.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { openTable } from "#lib/table/open-table.ts";
import { exportTable } from "#lib/table/table-export.ts";
import { formatTableUri } from "#lib/table/table-location.ts";
import { describeState, type PipelineState, readPipelineState } from "#ops/pipeline/pipeline-state.ts";
import { openDemoBackend } from "./choose-backend.ts";
import type { DemoBackend } from "./demo-backend.ts";
import type { DemoOptions } from "./demo-options.ts";
import { basisOverAllRows, type DemoResult, readDeadLetters, sampleRows } from "./demo-result.ts";
import { demoServicesConfig, groupsOf } from "./demo-services.ts";
import { drawSamples } from "./photos/draw-samples.ts";

const BUCKET = "fruitstream";
const LOOK_MS = 250;

/**
 * Uploads and announces the photos, runs the services until each photo is in the table or in dead letters, plots, and
 * stops what it started, also when it fails or is interrupted. Each demo has topics and a table of its own.
 *
 * @throws the signal's reason once everything is stopped.
 */
export async function runDemo(options: DemoOptions, signal = new AbortController().signal): Promise<DemoResult> {
  if (typeof options.photos === "string") await requireFolder(options.photos, "--photos");
  await loadModelFolder(options.model);
  const id = demoId();
  const folder = join(options.outputFolder, id);
  const logFolder = join(folder, "logs");
  await mkdir(logFolder, { recursive: true });

  const line = new StatusLine(systemClock);
  signal.addEventListener("abort", () => line.note("stopping what was started; Ctrl-C again ends the demo at once"));
  const note = (text: string) => line.note(text);
  const backend = await openDemoBackend({ options, folder, logFolder, note, signal });
  try {
    signal.throwIfAborted();
    const { photos: given } = options;
    const photos = typeof given === "string" ? given : await drawPhotos(given.syntheticCount, folder, line, signal);
    const exportFolder = options.exportFolder ?? join(folder, "table");
    const plotFolder = join(folder, "plots");
    return await runOn({ options, id, photos, backend, line, logFolder, exportFolder, plotFolder, signal });
  } finally {
    line.end("");
    await backend.close();
  }
}

/** A photo as a phone app might send it; the model in the box takes fewer pixels. */
const SYNTHETIC_SIDE_PX = 160;
const SYNTHETIC_SEED = 1;

async function drawPhotos(count: number, demoFolder: string, line: StatusLine, signal: AbortSignal): Promise<string> {
  const folder = join(demoFolder, "synthetic-photos");
  line.note(`no --photos: drawing ${count} synthetic ones`);
  const set = { folder, count, seed: SYNTHETIC_SEED, sidePx: SYNTHETIC_SIDE_PX };
  await drawSamples(set, signal, (drawn) => line.show(() => `${drawn} of ${count} synthetic photos drawn`));
  return folder;
}

/** There is nothing to plot with no rows, a single one, or one component. */
async function plotRows(table: DeltaTable, place: string, folder: string): Promise<DemoResult["plots"]> {
  const [file] = table.snapshot.files.values();
  if (!file) return { lacking: "the table has no rows" };
  const { model, run } = file.partitionValues;
  try {
    await plotTable({ place, table }, { model: model!, run: run!, folder }, () => undefined);
    return { folder };
  } catch (error) {
    if (error instanceof FruitstreamError && (error.code === "usage" || error.code === "invalid-table"))
      return { lacking: error.message };
    throw error;
  }
}

/** One demo at work. */
interface DemoRun {
  readonly options: DemoOptions;
  readonly id: string;
  /** The folder of photos. */
  readonly photos: string;
  readonly backend: DemoBackend;
  readonly line: StatusLine;
  readonly logFolder: string;
  readonly exportFolder: string;
  readonly plotFolder: string;
  readonly signal: AbortSignal;
}

async function runOn(run: DemoRun): Promise<DemoResult> {
  const { options, id, photos, backend, line, logFolder, exportFolder, plotFolder, signal } = run;
  const { log, store } = backend;
  const topics = topicsWithPrefix(`${id}.`);
  const location = { bucket: BUCKET, prefix: `tables/${id}` };
  const tableUri = formatTableUri(location);
  const admin = await log.openAdmin();
  const producer = await log.openProducer();
  const ending = new AbortController();
  const ended = AbortSignal.any([signal, ending.signal]);
  let uploading: Promise<IngestProgress> | undefined;
  try {
    await store.ensureBucket(BUCKET);
    await admin.ensureTopics(topicShapes(topics, options.partitions));
    const table = await openTable(store, location, { createIfAbsent: true });

    const interrupted = rejectionAt(signal);
    const starting = backend.startServices(demoServicesConfig(options, id, tableUri));
    const services = await Promise.race([starting, interrupted]);
    const broken = Promise.race([services.failure, interrupted]);

    const startedAtMs = Date.now();
    const announcer = new PhotoAnnouncer((records) => producer.append(topics.photos, records), systemClock);
    uploading = uploadFolder(
      store,
      announcer,
      {
        folder: photos,
        bucket: BUCKET,
        prefix: `photos/${id}/`,
        isPhoto: suffixTest(UPLOADED_SUFFIXES),
        unlabelled: new RegExp(UNLABELLED_FOLDERS),
        announceExisting: true,
      },
      { clock: systemClock, signal: ended, onRetry: (error) => line.note(`upload: ${String(error)}`) },
      ({ announced }) => line.show(() => `${announced} photos announced`),
    );
    const look = () => readPipelineState(admin, table, topics, groupsOf(id).featurizers);
    const { announced, skipped } = await Promise.race([uploading, broken]);
    const done = await Promise.race([waitUntilDone(look, announced, startedAtMs, line, ended), broken]);
    const seconds = (Date.now() - startedAtMs) / 1_000;
    line.end("");

    await services.stop();
    await table.advance();
    await exportTable(table, exportFolder);
    signal.throwIfAborted();
    return {
      isSynthetic: photos !== options.photos,
      photos: announced,
      skipped,
      rows: done.rows,
      deadLetters: await readDeadLetters(log, topics.deadLetters),
      seconds,
      tableVersion: table.snapshot.version,
      tableUri: backend.keepsTable ? tableUri : pathToFileURL(exportFolder).href,
      exportFolder,
      plots: await plotRows(table, tableUri, plotFolder),
      logFolder,
      basis: await basisOverAllRows(table, options.components),
      sampleRows: await sampleRows(table),
      rssPeakBytes: services.rssPeakBytes(),
    };
  } finally {
    ending.abort(new Error("the demo has ended"));
    // What the upload has begun it sees through, and needs store and producer for it.
    await uploading?.catch(() => undefined);
    await Promise.all([admin.close(), producer.close()]);
  }
}

async function waitUntilDone(
  look: () => Promise<PipelineState>,
  photos: number,
  startedAtMs: number,
  line: StatusLine,
  signal: AbortSignal,
): Promise<PipelineState> {
  for (;;) {
    const state = await look();
    line.show(() => describeState(state, photos, (Date.now() - startedAtMs) / 1_000));
    if (state.featurizerLag === 0 && state.reducerLag === 0) return state;
    await systemClock.sleep(LOOK_MS, signal);
  }
}

function rejectionAt(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    if (signal.aborted) reject(signal.reason);
  });
}

async function requireFolder(path: string, option: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isDirectory()) throw new FruitstreamError("usage", `${option} must be a folder, got "${path}"`);
}

/** `demo-20260131-235959-abcd`: names topics, photos and the table of one demo. */
function demoId(): string {
  const time = new Date().toISOString().replace(/[-:]/g, "").replace("T", "-").slice(0, 15);
  return `demo-${time}-${Math.random().toString(36).slice(2, 6)}`;
}
