import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { decodeDeadLetterRecord } from "../../lib/contract/dead-letter-record.ts";
import type { DeadLetter } from "../../lib/contract/messages.ts";
import { topicShapes, topicsWithPrefix } from "../../lib/contract/topics.ts";
import { openAdmin } from "../../lib/kafka/kafka-admin.ts";
import { openProducer } from "../../lib/kafka/kafka-producer.ts";
import { readTopic } from "../../lib/kafka/read-topic.ts";
import { loadModelFolder } from "../../lib/model/model-folder.ts";
import { openGramKernel } from "../../lib/model/onnx-gram-kernel.ts";
import { systemClock } from "../../lib/runtime/clock.ts";
import { FruitstreamError } from "../../lib/runtime/errors.ts";
import { silentLogger } from "../../lib/runtime/logger.ts";
import type { DeltaTable } from "../../lib/table/delta-table.ts";
import { openTable } from "../../lib/table/open-table.ts";
import { exportTable } from "../../lib/table/table-export.ts";
import { readRows } from "../../lib/table/table-files.ts";
import { formatTableUri } from "../../lib/table/table-location.ts";
import { PhotoAnnouncer } from "../../services/ingest/announce-photo.ts";
import type { IngestProgress } from "../../services/ingest/ingest-progress.ts";
import { UNLABELLED_FOLDERS } from "../../services/ingest/photo-label.ts";
import { suffixTest, UPLOADED_SUFFIXES } from "../../services/ingest/photo-suffixes.ts";
import { uploadFolder } from "../../services/ingest/upload-folder.ts";
import { BasisStore } from "../../services/reducer/basis-store.ts";
import { type Basis, computeBasis } from "../../services/reducer/pca/basis.ts";
import { TableMoments } from "../../services/reducer/table-moments.ts";
import { endpointsFromEnv, type StackEndpoints } from "../../stack/endpoints.ts";
import { type StackUp, stackDown, stackUp } from "../../stack/local-stack.ts";
import { readStackSettings } from "../../stack/stack-settings.ts";
import { openStackStore } from "../endpoints.ts";
import { StatusLine } from "../status-line.ts";
import { groupsOf, serviceEnvironment, startServices } from "./demo-services.ts";
import { describeState, type PipelineState, readPipelineState } from "./pipeline-state.ts";
import type { ServiceProcess } from "./service-process.ts";

export interface DemoOptions {
  readonly photos: string;
  readonly model: string;
  readonly featurizers: number;
  readonly reducers: number;
  readonly partitions: number;
  /** k, the number of principal components. */
  readonly components: number;
  /** Takes a folder of its own for each demo, with the services' logs and the copy of the table. */
  readonly outputFolder: string;
  /** Where the copy of the table goes instead. */
  readonly exportFolder: string | undefined;
}

export interface DemoResult {
  /** Photos announced. */
  readonly photos: number;
  /** Files of the folder that were passed over. */
  readonly skipped: number;
  readonly rows: number;
  readonly deadLetters: readonly DeadLetter[];
  /** From the start of the upload to the last table commit. */
  readonly seconds: number;
  readonly tableVersion: number;
  readonly tableUri: string;
  /** A copy of the table on this machine. */
  readonly exportFolder: string;
  readonly logFolder: string;
  /** Of all rows; undefined with fewer than two. */
  readonly basis: Basis | undefined;
  readonly sampleRows: readonly Record<string, unknown>[];
  /** By service process. */
  readonly rssPeakBytes: Readonly<Record<string, number>>;
}

const BUCKET = "fruitstream";
const LOOK_MS = 250;
const SAMPLE_ROWS = 5;

/**
 * Uploads and announces the photos, runs the services as separate processes until each photo is in the table or in dead
 * letters, and stops what it started, also when it fails or is interrupted. Each demo has topics and a table of its own.
 *
 * @throws the signal's reason once everything is stopped.
 */
export async function runDemo(options: DemoOptions, signal = new AbortController().signal): Promise<DemoResult> {
  await requireFolder(options.photos, "--photos");
  await loadModelFolder(options.model);
  const id = demoId();
  const folder = join(options.outputFolder, id);
  const logFolder = join(folder, "logs");
  await mkdir(logFolder, { recursive: true });

  const line = new StatusLine(systemClock);
  signal.addEventListener("abort", () => line.note("stopping what was started; Ctrl-C again ends the demo at once"));
  const { endpoints, startedHere } = await ensureStack(line, signal);
  const services: ServiceProcess[] = [];
  const killServices = () => {
    for (const service of services) service.kill();
  };
  process.once("exit", killServices);
  try {
    signal.throwIfAborted();
    const exportFolder = options.exportFolder ?? join(folder, "table");
    return await runOnStack(options, id, endpoints, services, line, logFolder, exportFolder, signal);
  } finally {
    line.end("");
    await Promise.all(services.map((service) => service.stop()));
    process.off("exit", killServices);
    if (startedHere) {
      line.note("stopping the local stack, since this demo started it");
      await stackDown(readStackSettings(process.env));
    }
  }
}

async function runOnStack(
  options: DemoOptions,
  id: string,
  endpoints: StackEndpoints,
  services: ServiceProcess[],
  line: StatusLine,
  logFolder: string,
  exportFolder: string,
  signal: AbortSignal,
): Promise<DemoResult> {
  const topics = topicsWithPrefix(`${id}.`);
  const location = { bucket: BUCKET, prefix: `tables/${id}` };
  const tableUri = formatTableUri(location);
  const kafka = { brokers: endpoints.kafkaBrokers.split(","), clientId: "fruitstream-demo" };
  const store = openStackStore(endpoints);
  const admin = await openAdmin(kafka, silentLogger);
  const producer = await openProducer(kafka, silentLogger);
  const ending = new AbortController();
  const ended = AbortSignal.any([signal, ending.signal]);
  let uploading: Promise<IngestProgress> | undefined;
  try {
    await store.ensureBucket(BUCKET);
    await admin.ensureTopics(topicShapes(topics, options.partitions));
    const table = await openTable(store, location, { createIfAbsent: true });

    const env = serviceEnvironment(options, id, endpoints, tableUri);
    services.push(...startServices(options, env, logFolder, line, signal));
    const broken = Promise.race([...services.map(({ failure }) => failure), rejectionAt(signal)]);
    await Promise.race([Promise.all(services.map(({ ready }) => ready)), broken]);

    const startedAtMs = Date.now();
    const announcer = new PhotoAnnouncer((records) => producer.append(topics.photos, records), systemClock);
    uploading = uploadFolder(
      store,
      announcer,
      {
        folder: options.photos,
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

    await Promise.all(services.map((service) => service.stop()));
    await table.advance();
    await exportTable(table, exportFolder);
    signal.throwIfAborted();
    return {
      photos: announced,
      skipped,
      rows: done.rows,
      deadLetters: await readDeadLetters(kafka, topics.deadLetters),
      seconds,
      tableVersion: table.snapshot.version,
      tableUri,
      exportFolder,
      logFolder,
      basis: await basisOverAllRows(table, options.components),
      sampleRows: await sampleRows(table),
      rssPeakBytes: Object.fromEntries(services.map(({ name, rssPeakBytes }) => [name, rssPeakBytes])),
    };
  } finally {
    ending.abort(new Error("the demo has ended"));
    // What the upload has begun it sees through, and needs store and producer for it.
    await uploading?.catch(() => undefined);
    await Promise.all([admin.close(), producer.close()]);
    store.close();
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

/** The stack that the environment names, else the local one, started when it doesn't run. */
async function ensureStack(line: StatusLine, signal: AbortSignal): Promise<StackUp> {
  const endpoints = endpointsFromEnv(process.env);
  if (endpoints) return { endpoints, startedHere: false };
  try {
    const stack = await stackUp(readStackSettings(process.env), (text) => line.note(text));
    if (!stack.startedHere) line.note("the local stack runs already; a demo that started it will stop it at its end");
    return stack;
  } catch (error) {
    // A terminal's Ctrl-C ends a download as well.
    signal.throwIfAborted();
    throw error;
  }
}

/** Delivered at least once: each position counts once. */
async function readDeadLetters(kafka: { brokers: string[]; clientId: string }, topic: string): Promise<DeadLetter[]> {
  const byPosition = new Map<string, DeadLetter>();
  await readTopic(kafka, topic, silentLogger, ({ value }) => {
    const record = decodeDeadLetterRecord(value);
    if (record.kind === "mark") return;
    const { letter } = record;
    byPosition.set(`${letter.sourceTopic}/${letter.sourcePartition}/${letter.sourceOffset}`, letter);
  });
  return [...byPosition.values()];
}

async function basisOverAllRows(table: DeltaTable, components: number): Promise<Basis | undefined> {
  const [file] = table.snapshot.files.values();
  if (!file) return undefined;
  const subject = { model: file.partitionValues.model!, run: file.partitionValues.run! };
  const [row] = await readRows(table, file, ["features"]);
  const dimensions = (row!.features as Float32Array).length;
  const gram = await openGramKernel(1);
  try {
    const moments = await TableMoments.load(table, subject, dimensions, gram);
    await moments.catchUp(table.snapshot.version);
    if (moments.moments.count < 2) return undefined;
    const newest = await new BasisStore(table, subject).refresh();
    return await computeBasis(moments.moments, components, newest);
  } finally {
    await gram.release();
  }
}

async function sampleRows(table: DeltaTable): Promise<Record<string, unknown>[]> {
  const [file] = table.snapshot.files.values();
  return file ? (await readRows(table, file)).slice(0, SAMPLE_ROWS) : [];
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
