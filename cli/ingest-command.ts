import { Command } from "commander";
import { PhotoAnnouncer, RETRY_POLICY } from "#lib/intake/announce-photo.ts";
import { backfill, type IsKnownPhoto } from "#lib/intake/backfill.ts";
import { type IngestProgress, NO_PROGRESS, type OnProgress } from "#lib/intake/ingest-progress.ts";
import { parseS3Uri } from "#lib/intake/list-photos.ts";
import { notingFaults, type OnFault } from "#lib/intake/photo-fault.ts";
import { uploadFolder } from "#lib/intake/upload-folder.ts";
import { kafkaRecordLog } from "#lib/log/kafka/kafka-record-log.ts";
import { openPipelineLog } from "#lib/log/pipeline-log.ts";
import { topicsConfig, topicsWithPrefix } from "#lib/messages/topics.ts";
import { UNLABELLED_FOLDERS } from "#lib/photo/photo-label.ts";
import { PHOTO_SUFFIXES, photoNames } from "#lib/photo/photo-suffixes.ts";
import { systemClock } from "#lib/runtime/clock.ts";
import { readConfig } from "#lib/runtime/config.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { createLogger, readLogLevel, STANDARD_ERROR } from "#lib/runtime/logger.ts";
import { type RetryHooks, retrying } from "#lib/runtime/retry.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import { checkAnnouncedBucket, photosBucketOf } from "#ops/pipeline/announced-bucket.ts";
import { openStackStore, requireEndpoints } from "#ops/pipeline/endpoints.ts";
import { tellingWait } from "#ops/pipeline/waiting.ts";
import { namedTableUri, TABLE_BY_DEFAULT } from "#ops/services/find-table-uri.ts";
import { findKnownPhotos } from "#ops/table/known-photos.ts";
import { cliDeps } from "./cli-deps.ts";
import { EXIT } from "./exit-code.ts";
import { formatProgress, formatSkipped } from "./format-progress.ts";
import { interruptible } from "./interruption.ts";
import { type OutputFlags, printJson, tell, withJson } from "./output.ts";
import { serveCommand } from "./service-commands.ts";
import { StatusLine } from "./status-line.ts";

const SUFFIXES = `suffixes of photos, separated by commas; then nothing else is a photo (default: ${PHOTO_SUFFIXES}, and what has no suffix and begins as a photo)`;

const KNOWN_TABLE = `s3://bucket/prefix of the table whose photos need not be announced (${TABLE_BY_DEFAULT})`;
const ANNOUNCE_EXISTING = "also announce photos that the table has already; each costs an inference and adds no row";

/** `fruitstream ingest backfill|upload|serve`: three ways to announce photos. */
export function ingestCommand(): Command {
  const ingest = new Command("ingest").description("announce photos: by upload, from S3, or over HTTP");
  withJson(ingest.command("backfill"))
    .description("announce every photo that is already under a prefix of a bucket")
    .argument("<uri>", "s3://bucket/prefix; end a folder with a slash, since the prefix photos also matches photos-old")
    .option("--start-after <key>", "only keys after this one, to continue an interrupted backfill")
    .option("--suffixes <list>", SUFFIXES)
    .option("--unlabelled <pattern>", "folder names that are not labels, as a regular expression", UNLABELLED_FOLDERS)
    .option("--table <uri>", KNOWN_TABLE)
    .option("--announce-existing", ANNOUNCE_EXISTING, false)
    .action(runBackfill);
  withJson(ingest.command("upload"))
    .description("upload a folder's photos and announce each one")
    .argument("<folder>", "photos; the label is the name of a photo's folder, this one included")
    .option("--bucket <name>", "bucket to upload to, created when missing (default: PHOTOS_BUCKET, or photos)")
    .option("--prefix <prefix>", "prefix of every key, before the file's path", "photos/")
    .option("--suffixes <list>", SUFFIXES)
    .option("--unlabelled <pattern>", "folder names that are not labels, as a regular expression", UNLABELLED_FOLDERS)
    .option("--table <uri>", KNOWN_TABLE)
    .option("--announce-existing", ANNOUNCE_EXISTING, false)
    .action(runUpload);
  return ingest.addCommand(serveCommand());
}

interface KnownFlags {
  readonly table?: string;
  readonly announceExisting: boolean;
}

interface BackfillFlags extends OutputFlags, KnownFlags {
  readonly startAfter?: string;
  readonly suffixes?: string;
  readonly unlabelled: string;
}

async function runBackfill(uri: string, flags: BackfillFlags): Promise<void> {
  const { startAfter, suffixes, unlabelled, json } = flags;
  const listing = { ...parseS3Uri(uri), startAfter };
  const names = photoNames(suffixes);
  const options = { ...listing, names, looks: suffixes === undefined, unlabelled: readPattern(unlabelled) };
  checkAnnouncedBucket(listing.bucket, cliDeps);
  const resumeHint = ({ lastKey = startAfter }: IngestProgress) =>
    lastKey === undefined ? "nothing was announced yet" : `to go on, add: --start-after ${shellQuoted(lastKey)}`;
  await withPipeline(json, resumeHint, async ({ store, announcer, hooks, onProgress, onFault }) => {
    const isKnown = await knownPhotos(store, listing, flags);
    return backfill(store, announcer, { ...options, isKnown, onFault }, hooks, onProgress);
  });
}

interface UploadFlags extends OutputFlags, KnownFlags {
  readonly bucket?: string;
  readonly prefix: string;
  readonly suffixes?: string;
  readonly unlabelled: string;
}

async function runUpload(folder: string, flags: UploadFlags): Promise<void> {
  const { bucket = photosBucketOf(cliDeps), prefix, json } = flags;
  const filters = { names: photoNames(flags.suffixes), unlabelled: readPattern(flags.unlabelled) };
  checkAnnouncedBucket(bucket, cliDeps);
  const resumeHint = () => "to go on, run the same command again; what is uploaded is not uploaded twice";
  await withPipeline(json, resumeHint, async ({ store, announcer, hooks, onProgress, onFault }) => {
    await store.ensureBucket(bucket);
    const isKnown = await knownPhotos(store, { bucket, prefix }, flags);
    const options = { folder, bucket, prefix, isKnown, onFault, ...filters };
    return await uploadFolder(store, announcer, options, hooks, onProgress);
  });
}

/** Without a table everything is announced; what is announced twice then is one row all the same. */
async function knownPhotos(
  store: ObjectStore,
  under: { readonly bucket: string; readonly prefix: string },
  { table, announceExisting }: KnownFlags,
): Promise<IsKnownPhoto> {
  const nothing = () => false;
  if (announceExisting) return nothing;
  const tableUri = await namedTableUri(table, cliDeps);
  const isKnown = tableUri?.startsWith("s3://") ? await findKnownPhotos(store, tableUri, under) : undefined;
  if (!isKnown)
    tell(`${tableUri ? `there is no table at ${tableUri} yet` : "no table is named"}: announcing all photos`);
  return isKnown ?? nothing;
}

interface Pipeline {
  readonly store: ObjectStore;
  readonly announcer: PhotoAnnouncer;
  readonly hooks: RetryHooks;
  readonly onProgress: OnProgress;
  readonly onFault: OnFault;
}

/**
 * Opens Kafka and S3, does the work with a progress line, prints the summary. On Ctrl-C, on SIGTERM and on failure it
 * says how to go on. Photos that could not be taken are named, and end in exit code 1.
 *
 * @returns how far the work came; undefined when it was interrupted.
 */
async function withPipeline(
  json: boolean,
  resumeHint: (progress: IngestProgress) => string,
  work: (pipeline: Pipeline) => Promise<IngestProgress>,
): Promise<IngestProgress | undefined> {
  const logger = createLogger("ingest", readLogLevel(process.env, "warn"), STANDARD_ERROR);
  const endpoints = await requireEndpoints(process.env);
  const { topicPrefix, topicPartitions: partitions, ...retention } = readConfig(topicsConfig, process.env);
  const topics = topicsWithPrefix(topicPrefix);
  const kafka = { brokers: endpoints.kafkaBrokers, clientId: `fruitstream-ingest-${process.pid}` };
  const log = kafkaRecordLog(kafka, logger);
  const pipelineLog = await tellingWait(`Kafka at ${endpoints.kafkaBrokers}`, tell, () =>
    openPipelineLog(log, { topics, partitions, retention, logger }),
  );
  const { producer } = pipelineLog;

  const line = new StatusLine(systemClock);
  const startedAtMs = systemClock.nowMs();
  let progress = NO_PROGRESS;
  const status = () => formatProgress(progress, systemClock.nowMs() - startedAtMs);
  const onProgress: OnProgress = (next) => {
    progress = next;
    line.show(status);
  };
  const onRetry: RetryHooks["onRetry"] = (error, attempt) =>
    line.note(`attempt ${attempt} failed, trying again: ${(error as Error).message}`);
  const untilDone: RetryHooks = { clock: systemClock, signal: new AbortController().signal, onRetry };
  const store = openStackStore(endpoints);
  const onFault = notingFaults((text) => line.note(text));
  const append = (records: Parameters<typeof producer.append>[1]) =>
    retrying(RETRY_POLICY, untilDone, () => producer.append(topics.photos, records));
  const announcer = new PhotoAnnouncer(append, systemClock);
  try {
    return await interruptible(async (signal) => {
      signal.addEventListener("abort", () => line.note("finishing what is under way; Ctrl-C again ends it at once"));
      try {
        const hooks = { clock: systemClock, signal, onRetry };
        progress = await work({ store, announcer, hooks, onProgress, onFault });
        line.end(status());
        if (progress.failed > 0) process.exitCode = EXIT.failed;
        tellDone(progress, systemClock.nowMs() - startedAtMs, json);
        return progress;
      } catch (error) {
        if (progress !== NO_PROGRESS || signal.aborted) {
          line.end(status());
          tell(resumeHint(progress));
        }
        throw error;
      }
    });
  } finally {
    await pipelineLog.close();
    store.close();
  }
}

function tellDone({ lastKey: _, ...counts }: IngestProgress, elapsedMs: number, json: boolean): void {
  if (counts.skipped > 0) tell(`skipped: ${formatSkipped(counts.skippedByKind)}`);
  if (json) printJson({ ...counts, seconds: elapsedMs / 1_000 });
}

function readPattern(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch (cause) {
    throw new FruitstreamError("usage", `--unlabelled must be a regular expression, got "${text}"`, { cause });
  }
}

function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
