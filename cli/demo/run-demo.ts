import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { deadLetterCodec } from "../../lib/contract/avro-codec.ts";
import type { DeadLetter } from "../../lib/contract/messages.ts";
import { topicShapes, topicsWithPrefix } from "../../lib/contract/topics.ts";
import { openAdmin } from "../../lib/kafka/kafka-admin.ts";
import { openProducer } from "../../lib/kafka/kafka-producer.ts";
import { readTopic } from "../../lib/kafka/read-topic.ts";
import { openGramKernel } from "../../lib/model/gram-kernel.ts";
import { loadModelFolder } from "../../lib/model/model-folder.ts";
import { systemClock } from "../../lib/runtime/clock.ts";
import { FruitstreamError } from "../../lib/runtime/errors.ts";
import { silentLogger } from "../../lib/runtime/logger.ts";
import type { DeltaTable } from "../../lib/table/delta-table.ts";
import { openTable } from "../../lib/table/open-table.ts";
import { exportTable } from "../../lib/table/table-export.ts";
import { readRows } from "../../lib/table/table-files.ts";
import { formatTableUri } from "../../lib/table/table-location.ts";
import { PhotoAnnouncer } from "../../services/ingest/announce-photo.ts";
import { UNLABELLED_FOLDERS } from "../../services/ingest/photo-label.ts";
import { suffixTest, UPLOADED_SUFFIXES } from "../../services/ingest/photo-suffixes.ts";
import { uploadFolder } from "../../services/ingest/upload-folder.ts";
import { BasisStore } from "../../services/reducer/basis-store.ts";
import { type Basis, computeBasis } from "../../services/reducer/pca/basis.ts";
import { TableMoments } from "../../services/reducer/table-moments.ts";
import { endpointsAsEnv, type StackEndpoints } from "../../stack/endpoints.ts";
import { stackDown, stackUp } from "../../stack/local-stack.ts";
import { resolveEndpoints } from "../../stack/resolve-endpoints.ts";
import { readStackSettings } from "../../stack/stack-settings.ts";
import { openStackStore } from "../endpoints.ts";
import { StatusLine } from "../status-line.ts";
import { describeState, type PipelineState, readPipelineState } from "./pipeline-state.ts";

import { ServiceProcess } from "./service-process.ts";

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
  /** From the first announcement to the last table commit. */
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
 * letters, and stops what it started, also when it fails. Each demo has topics and a table of its own.
 */
export async function runDemo(options: DemoOptions): Promise<DemoResult> {
  await requireFolder(options.photos, "--photos");
  await loadModelFolder(options.model);
  const id = demoId();
  const folder = join(options.outputFolder, id);
  const logFolder = join(folder, "logs");
  await mkdir(logFolder, { recursive: true });

  const line = new StatusLine(systemClock);
  const running = await resolveEndpoints(process.env);
  const endpoints = running ?? (await startStack((text) => line.note(text)));
  const services: ServiceProcess[] = [];
  try {
    return await runOnStack(
      options,
      id,
      endpoints,
      services,
      line,
      logFolder,
      options.exportFolder ?? join(folder, "table"),
    );
  } finally {
    line.end("");
    await Promise.all(services.map((service) => service.stop()));
    if (!running) await stackDown(readStackSettings(process.env));
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
): Promise<DemoResult> {
  const topics = topicsWithPrefix(`${id}.`);
  const location = { bucket: BUCKET, prefix: `tables/${id}` };
  const tableUri = formatTableUri(location);
  const kafka = { brokers: endpoints.kafkaBrokers.split(","), clientId: "fruitstream-demo" };
  const store = openStackStore(endpoints);
  const admin = await openAdmin(kafka, silentLogger);
  const producer = await openProducer(kafka, silentLogger);
  try {
    await store.ensureBucket(BUCKET);
    await admin.ensureTopics(topicShapes(topics, options.partitions));
    const table = await openTable(store, location, { createIfAbsent: true });

    const env = serviceEnvironment(options, id, endpoints, tableUri);
    services.push(...startServices(options, env, logFolder, line));
    const broken = Promise.race(services.map(({ failure }) => failure));
    await Promise.race([Promise.all(services.map(({ ready }) => ready)), broken]);

    const startedAtMs = Date.now();
    const controller = new AbortController();
    const announcer = new PhotoAnnouncer((records) => producer.append(topics.photos, records), systemClock);
    const uploading = uploadFolder(
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
      { clock: systemClock, signal: controller.signal, onRetry: (error) => line.note(`upload: ${String(error)}`) },
      ({ announced }) => line.show(() => `${announced} photos announced`),
    );
    const look = () => readPipelineState(admin, table, topics, groupsOf(id).featurizers);
    const { announced, skipped } = await Promise.race([uploading, broken]);
    const done = await Promise.race([waitUntilDone(look, announced, startedAtMs, line), broken]);
    const seconds = (Date.now() - startedAtMs) / 1_000;
    line.end("");

    await Promise.all(services.map((service) => service.stop()));
    await table.advance();
    await exportTable(table, exportFolder);
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
    await Promise.all([admin.close(), producer.close()]);
    store.close();
  }
}

async function waitUntilDone(
  look: () => Promise<PipelineState>,
  photos: number,
  startedAtMs: number,
  line: StatusLine,
): Promise<PipelineState> {
  for (;;) {
    const state = await look();
    line.show(() => describeState(state, photos, (Date.now() - startedAtMs) / 1_000));
    if (state.featurizerLag === 0 && state.reducerLag === 0) return state;
    await systemClock.sleep(LOOK_MS);
  }
}

function startServices(options: DemoOptions, env: Record<string, string>, logFolder: string, line: StatusLine) {
  const start = (kind: string, index: number) => {
    const name = `${kind}-${index + 1}`;
    const entry = `services/${kind}/main.ts`;
    const logPath = join(logFolder, `${name}.log`);
    return new ServiceProcess({ name, entry, env, logPath, onEvent: (text) => line.note(text) });
  };
  return [
    ...Array.from({ length: options.reducers }, (_, index) => start("reducer", index)),
    ...Array.from({ length: options.featurizers }, (_, index) => start("featurizer", index)),
  ];
}

function serviceEnvironment(options: DemoOptions, id: string, endpoints: StackEndpoints, tableUri: string) {
  const groups = groupsOf(id);
  return {
    ...endpointsAsEnv(endpoints),
    TOPIC_PREFIX: `${id}.`,
    TABLE_URI: tableUri,
    HTTP_PORT: "0",
    FEATURIZER_MODEL_DIR: options.model,
    FEATURIZER_GROUP: groups.featurizers,
    FEATURIZER_COMMIT_MS: "200",
    // A killed process is missed soon, so that its partitions don't wait half a minute for their next owner.
    FEATURIZER_SESSION_MS: "10000",
    REDUCER_GROUP: groups.reducers,
    REDUCER_COMPONENTS: String(options.components),
    REDUCER_SESSION_MS: "10000",
    REDUCER_WINDOW_MS_MAX: "1000",
  };
}

function groupsOf(id: string) {
  return { featurizers: `${id}.featurizers`, reducers: `${id}.reducers` };
}

async function startStack(report: (line: string) => void): Promise<StackEndpoints> {
  const { endpoints } = await stackUp(readStackSettings(process.env), report);
  return endpoints;
}

/** Delivered at least once: each position counts once. */
async function readDeadLetters(kafka: { brokers: string[]; clientId: string }, topic: string): Promise<DeadLetter[]> {
  const byPosition = new Map<string, DeadLetter>();
  await readTopic(kafka, topic, silentLogger, ({ value }) => {
    const letter = deadLetterCodec.decode(value);
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
    return computeBasis(moments.moments, components, newest);
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
