import { stat } from "node:fs/promises";
import { announceFolder } from "#lib/intake/announce-folder.ts";
import { PhotoAnnouncer } from "#lib/intake/announce-photo.ts";
import type { IngestProgress } from "#lib/intake/ingest-progress.ts";
import { notingFaults } from "#lib/intake/photo-fault.ts";
import { type DeadLetter, LIVE_RUN } from "#lib/messages/messages.ts";
import { loadModelFolder } from "#lib/model/model-folder.ts";
import { UNLABELLED_FOLDERS } from "#lib/photo/photo-label.ts";
import { photoNames } from "#lib/photo/photo-suffixes.ts";
import { FILE_BUCKET, keyOfFile } from "#lib/photo/photo-uri.ts";
import { systemClock } from "#lib/runtime/clock.ts";
import { readConfig } from "#lib/runtime/config.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { createLogger, readLogLevel } from "#lib/runtime/logger.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import type { ReprojectProgress } from "#lib/table/operations/reproject-rows.ts";
import type { AskedPartitioning } from "#lib/table/partitioning.ts";
import { countRows } from "#lib/table/table-summary.ts";
import { flushTable, STALL_SECONDS } from "#ops/flush/flush-table.ts";
import type { OpsDeps } from "#ops/pipeline/ops-deps.ts";
import { type PipelineState, readPipelineState } from "#ops/pipeline/pipeline-state.ts";
import { type EmbeddedServices, startEmbeddedServices } from "#ops/services/embedded-services.ts";
import { reprojectTable } from "#ops/table/reproject-table.ts";
import { featurizerWorkConfig } from "#services/featurizer/config.ts";
import { reducerWorkConfig } from "#services/reducer/config.ts";
import { FEATURIZER_GROUP, LocalWorkplace, workplaceConfig } from "./local-workplace.ts";
import { withPhotosInPlace } from "./photos-in-place.ts";

export interface LocalOptions {
  /** Absolute. */
  readonly photos: string;
  /** Absolute. */
  readonly out: string;
  readonly model: string;
  /** k, the number of principal components; at most as many as the model's vectors have values. */
  readonly components: number;
  /** Of a new table; what is not said is by default. */
  readonly partitioning?: AskedPartitioning;
}

export interface LocalDeps extends OpsDeps {
  /** Ends the run in order. */
  readonly signal: AbortSignal;
  /** Told of every step; cheap enough to be called for every photo. */
  readonly onProgress: (progress: LocalProgress) => void;
}

/** How far a run has come: photos are looked for first, then featurized. */
export type LocalProgress =
  | { readonly step: "announcing"; readonly announced: number; readonly known: number }
  | {
      readonly step: "featurizing";
      readonly photos: number;
      readonly featurized: number;
      /** In the table by now. */
      readonly rows: number;
      readonly elapsedMs: number;
    }
  | ({ readonly step: "projecting" } & ReprojectProgress);

/** What came of a run: announced + left over = rows added + dead letters. */
export interface LocalResult {
  readonly announced: number;
  /** Photos of the folder that an earlier run has announced with the same content. */
  readonly known: number;
  /** Files of the folder that are no photos. */
  readonly skipped: number;
  /** The same by what they are; see `IngestProgress`. */
  readonly skippedByKind: IngestProgress["skippedByKind"];
  /** Photos, and folders, that could not be taken; each was named by a note. */
  readonly failed: number;
  /** Photos that an earlier run has announced and not finished. */
  readonly leftOver: number;
  readonly rowsAdded: number;
  /** In the table now, of every model and run of the command. */
  readonly rows: number;
  /** Of this run. */
  readonly deadLetters: readonly DeadLetter[];
  /** Photos of every run with this model that are open dead letters instead of rows. */
  readonly deadLettersOpen: number;
  readonly seconds: number;
  readonly tableFolder: string;
  readonly tableVersion: number;
  readonly logPath: string;
}

const LOOK_MS = 100;
/** While photos arrive bases are computed anew as rows double; more components are computed once, at the end. */
const WINDOW_COMPONENTS_MAX = 60;

/**
 * Turns a folder of photos into a table on this machine: announces those that are new, runs the services in this process
 * until each of them is in the table or in dead letters, and ends. Whatever interrupts it, the next run goes on where
 * the folder stands: an announcement is one transaction of the log, and the table takes each announced photo once. At the
 * end all rows of the model have the coordinates of one basis, that of all of them.
 *
 * @throws usage for a folder that can't be used, what a service can't go on with, or the signal's reason.
 */
export async function runLocal(options: LocalOptions, deps: LocalDeps): Promise<LocalResult> {
  await requireFolder(options.photos);
  const model = await loadModelFolder(options.model);
  const workplace = await LocalWorkplace.open(options.out, model.id, options.partitioning);
  try {
    const services = await startServices(options, model.id, workplace, deps);
    let result: LocalResult;
    try {
      result = await work(options, workplace, services.failure, deps);
    } catch (error) {
      // What the services fail with while they stop is the first failure over again.
      await services.stop().catch(() => undefined);
      throw error;
    }
    await services.stop();
    return { ...result, ...(await projectRows(options, model.id, workplace.table, deps, result.seconds)) };
  } finally {
    workplace.close();
  }
}

function startServices(
  options: LocalOptions,
  modelId: string,
  workplace: LocalWorkplace,
  { env, signal }: LocalDeps,
): Promise<EmbeddedServices> {
  const given = workplaceConfig(modelId, options.model, Math.min(options.components, WINDOW_COMPONENTS_MAX));
  const logLevel = readLogLevel(env, "info");
  return startEmbeddedServices({
    featurizer: readConfig(featurizerWorkConfig, env, given.featurizer),
    reducer: readConfig(reducerWorkConfig, env, given.reducer),
    log: workplace.log,
    photoStore: withPhotosInPlace(workplace.store),
    tableStore: workplace.store,
    loggerOf: (service) => createLogger(service, logLevel, workplace.logPath),
    signal,
  });
}

async function work(
  options: LocalOptions,
  workplace: LocalWorkplace,
  failure: Promise<never>,
  deps: LocalDeps,
): Promise<LocalResult> {
  const { admin, producer, table, topics } = workplace;
  const startedAtMs = systemClock.nowMs();
  const look = () => readPipelineState(admin, table, topics, FEATURIZER_GROUP);
  const before = await workplace.tally();
  const leftOver = before.announced - before.rows - before.letters.size;

  const ending = new AbortController();
  const ended = AbortSignal.any([deps.signal, ending.signal]);
  const announcing = announce(options, workplace, { ...deps, signal: ended });
  let progress: IngestProgress;
  try {
    progress = await Promise.race([announcing, failure]);
    const photos = leftOver + progress.announced;
    await Promise.race([untilFeaturized(look, photos, startedAtMs, { ...deps, signal: ended }), failure]);
    if ((await look()).reducerLag > 0) {
      const parts = { admin, producer, table, featuresTopic: topics.features };
      await Promise.race([flushTable(parts, STALL_SECONDS, ended), failure]);
    }
  } finally {
    ending.abort(new Error("the run has ended"));
    // What was begun is announced, and needs the log for it.
    await announcing.catch(() => undefined);
  }
  workplace.removeReduced();
  const after = await workplace.tally();
  return {
    announced: progress.announced,
    known: progress.existing,
    skipped: progress.skipped,
    skippedByKind: progress.skippedByKind,
    failed: progress.failed,
    leftOver,
    rowsAdded: after.rows - before.rows,
    rows: countRows(table.snapshot),
    deadLetters: [...after.letters].filter(([offset]) => !before.letters.has(offset)).map(([, letter]) => letter),
    deadLettersOpen: after.openLetters,
    seconds: (systemClock.nowMs() - startedAtMs) / 1_000,
    tableFolder: workplace.tableFolder,
    tableVersion: table.snapshot.version,
    logPath: workplace.logPath,
  };
}

/**
 * Rows are projected as they are committed, each window onto the basis of its time. What reads the column afterwards knows
 * nothing of bases, so that a run ends with a basis of all rows, and all rows projected onto it.
 */
async function projectRows(
  { components }: LocalOptions,
  model: string,
  table: DeltaTable,
  { signal, onProgress }: LocalDeps,
  secondsBefore: number,
): Promise<Pick<LocalResult, "tableVersion" | "seconds">> {
  const startedAtMs = systemClock.nowMs();
  const { version } = await reprojectTable(table, {
    ...{ subjects: [{ model, run: LIVE_RUN }], components, signal },
    onProgress: (progress) => onProgress({ step: "projecting", ...progress }),
  });
  return { tableVersion: version, seconds: secondsBefore + (systemClock.nowMs() - startedAtMs) / 1_000 };
}

function announce({ photos }: LocalOptions, workplace: LocalWorkplace, { signal, note, onProgress }: LocalDeps) {
  const { producer, topics } = workplace;
  const announcer = new PhotoAnnouncer((records) => producer.append(topics.photos, records), systemClock);
  return announceFolder(
    announcer,
    {
      folder: photos,
      bucket: FILE_BUCKET,
      keyOf: keyOfFile,
      names: photoNames(),
      unlabelled: new RegExp(UNLABELLED_FOLDERS),
      isAnnounced: (key, etag) => workplace.isAnnounced(key, etag),
      onFault: notingFaults(note),
    },
    { clock: systemClock, signal, onRetry: (error) => note(`trying again: ${String(error)}`) },
    ({ announced, existing }) => onProgress({ step: "announcing", announced, known: existing }),
  );
}

async function untilFeaturized(
  look: () => Promise<PipelineState>,
  photos: number,
  startedAtMs: number,
  { signal, onProgress }: LocalDeps,
): Promise<void> {
  for (;;) {
    const state = await look();
    const featurized = photos - state.featurizerLag;
    const elapsedMs = systemClock.nowMs() - startedAtMs;
    onProgress({ step: "featurizing", photos, featurized, rows: state.rows, elapsedMs });
    if (state.featurizerLag === 0) return;
    await systemClock.sleep(LOOK_MS, signal);
  }
}

async function requireFolder(photos: string): Promise<void> {
  const found = await stat(photos).catch(() => undefined);
  if (!found?.isDirectory()) throw new FruitstreamError("usage", `--photos must be a folder, got "${photos}"`);
}
