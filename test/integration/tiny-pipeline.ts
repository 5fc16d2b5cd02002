import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { inject, vi } from "vitest";
import { openAdmin } from "#lib/log/kafka/kafka-admin.ts";
import { openProducer } from "#lib/log/kafka/kafka-producer.ts";
import type { LogAdmin, PositionedProducer, RecordProducer } from "#lib/log/record-log.ts";
import { photoArrivedCodec } from "#lib/messages/avro/avro-codec.ts";
import { type Topics, topicShapes, topicsWithPrefix } from "#lib/messages/topics.ts";
import { encodeOnnxModel } from "#lib/model/onnx-graph.ts";
import { silentLogger } from "#lib/runtime/logger.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { openTable } from "#lib/table/open-table.ts";
import { readRows } from "#lib/table/table-files.ts";
import { parseTableUri } from "#lib/table/table-location.ts";
import { openStackStore, requireEndpoints } from "#ops/pipeline/endpoints.ts";
import { ServiceProcess } from "#ops/services/service-process.ts";

const PROJECT_ROOT = fileURLToPath(new URL("../../", import.meta.url));
const BUCKET = "tiny-pipeline";
/** What a test waits for comes within seconds; a slow machine gets a minute. */
const WAIT_MS_MAX = 60_000;

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export type Row = Record<string, unknown>;

/** A pipeline of its own on the test stack: topics, table, generated photos, models that average their pixels. */
export class TinyPipeline {
  readonly id: string;
  readonly topics: Topics;
  readonly tableUri: string;
  readonly admin: LogAdmin;
  readonly producer: PositionedProducer;
  readonly store: ObjectStore;
  readonly folder: string;
  readonly #services: ServiceProcess[] = [];
  readonly #commands = new Set<RunningCommand>();
  #photos = 0;

  private constructor(id: string, folder: string, admin: LogAdmin, producer: PositionedProducer, store: ObjectStore) {
    this.id = id;
    this.topics = topicsWithPrefix(`${id}.`);
    this.tableUri = `s3://${BUCKET}/${id}/table`;
    this.folder = folder;
    this.admin = admin;
    this.producer = producer;
    this.store = store;
  }

  static async open(partitions: number): Promise<TinyPipeline> {
    const endpoints = await requireEndpoints(process.env);
    const kafka = { brokers: endpoints.kafkaBrokers, clientId: "tiny-pipeline" };
    const admin = await openAdmin(kafka, silentLogger);
    const producer = await openProducer(kafka, silentLogger);
    const store = openStackStore(endpoints);
    const folder = await mkdtemp(join(tmpdir(), "fruitstream-tiny-"));
    const pipeline = new TinyPipeline(`tiny-${randomUUID().slice(0, 8)}`, folder, admin, producer, store);
    await store.ensureBucket(BUCKET);
    await admin.ensureTopics(topicShapes(pipeline.topics, partitions));
    await openTable(store, parseTableUri(pipeline.tableUri), { createIfAbsent: true });
    return pipeline;
  }

  /** Ends what runs of it, services and commands, also those that a failed test has left. */
  async close(): Promise<void> {
    for (const { interrupt } of this.#commands) interrupt();
    await Promise.all([...this.#commands].map(({ ended }) => ended));
    await Promise.all(this.#services.splice(0).map((service) => service.stop()));
    await Promise.all([this.admin.close(), this.producer.close()]);
    this.store.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** What services and commands of this pipeline read. */
  get env(): Record<string, string> {
    return {
      ...inject("stackEnv"),
      TOPIC_PREFIX: `${this.id}.`,
      TABLE_URI: this.tableUri,
      HTTP_PORT: "0",
      PHOTOS_BUCKET: BUCKET,
      FEATURIZER_GROUP: `${this.id}.featurizers`,
      FEATURIZER_WORKERS: "1",
      FEATURIZER_COMMIT_MS: "100",
      FEATURIZER_SESSION_MS: "6000",
      REDUCER_GROUP: `${this.id}.reducers`,
      REDUCER_COMPONENTS: "2",
      REDUCER_SESSION_MS: "6000",
      REDUCER_WINDOW_MS_MAX: "500",
    };
  }

  /** A model folder whose features are the mean of each channel, times the factor. */
  async model(name: string, factor: number): Promise<string> {
    const folder = join(this.folder, name);
    await mkdir(folder, { recursive: true });
    const input = { name: "x", width: 8, height: 8, layout: "NCHW", channelOrder: "RGB", resize: "stretch" };
    const manifest = { name, onnx: "mean.onnx", input, scaling: "x/255", outputs: { features: "features" } };
    const origin = { source: "https://example.org/mean", licence: "Apache-2.0" };
    await writeFile(join(folder, "model.json"), JSON.stringify({ ...manifest, ...origin }));
    await writeFile(join(folder, "mean.onnx"), meanGraph(factor));
    return folder;
  }

  /** Uploads photos of different colours and announces them. Returns their keys. */
  async announce(
    count: number,
    body: (index: number) => Promise<Uint8Array> = colouredPhoto,
    append: RecordProducer["append"] = (topic, records) => this.producer.append(topic, records),
  ): Promise<string[]> {
    const keys: string[] = [];
    for (let index = 0; index < count; index++) {
      const key = `${this.id}/photos/${String(this.#photos++).padStart(5, "0")}.jpg`;
      const bytes = await body(this.#photos);
      const { etag } = await this.store.put({ bucket: BUCKET, key }, bytes);
      const times = { capturedAtMs: Date.now(), capturedAtSource: "object", ingestedAtMs: Date.now() };
      const photo = {
        bucket: BUCKET,
        key,
        etag,
        sizeBytes: bytes.byteLength,
        label: null,
        ...times,
        traceparent: null,
      };
      await append(this.topics.photos, [{ key: Buffer.from(key), value: photoArrivedCodec.encode(photo) }]);
      keys.push(key);
    }
    return keys;
  }

  /** Starts a service that runs until it is stopped, at the latest by `close`. */
  start(kind: "featurizer" | "reducer", env: Record<string, string> = {}): ServiceProcess {
    const service = new ServiceProcess({
      name: `${kind}-${this.#services.length}`,
      kind,
      env: { ...process.env, ...this.env, ...env },
      log: join(this.folder, `${kind}-${this.#services.length}.log`),
      onRestart: () => undefined,
    });
    this.#services.push(service);
    return service;
  }

  /** Runs a command of this pipeline to its end. */
  cli(...args: string[]): Promise<CommandResult> {
    return this.startCli(...args).ended;
  }

  /** As `cli`, in a folder and with an environment of its own beside the pipeline's. */
  cliIn(cwd: string, env: Record<string, string>, ...args: string[]): Promise<CommandResult> {
    return this.startCliIn(cwd, env, ...args).ended;
  }

  startCli(...args: string[]): RunningCommand {
    return this.startCliIn(PROJECT_ROOT, {}, ...args);
  }

  startCliIn(cwd: string, env: Record<string, string>, ...args: string[]): RunningCommand {
    const { promise: ended, resolve } = Promise.withResolvers<CommandResult>();
    const argv = ["--disable-warning=TimeoutNegativeWarning", join(PROJECT_ROOT, "cli/fruitstream.ts"), ...args];
    const options = { cwd, env: { ...process.env, ...this.env, ...env } };
    const child = execFile(process.execPath, argv, options, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
    const printed = (text: string) => {
      const found = new Promise<void>((resolve) => {
        let output = "";
        const look = (chunk: string) => {
          output += chunk;
          if (output.includes(text)) resolve();
        };
        child.stdout!.on("data", look);
        child.stderr!.on("data", look);
      });
      const never = ended.then(({ code, stderr }) => {
        throw new Error(`ended with ${code} before it printed "${text}": ${stderr}`);
      });
      return Promise.race([found, never]);
    };
    const command = { ended, interrupt: () => void child.kill("SIGINT"), printed };
    this.#commands.add(command);
    void ended.then(() => this.#commands.delete(command));
    return command;
  }

  async table(uri = this.tableUri): Promise<DeltaTable> {
    return openTable(this.store, parseTableUri(uri));
  }

  async rows(uri?: string): Promise<Row[]> {
    const table = await this.table(uri);
    const rows = await Promise.all(
      [...table.snapshot.files.values()].map(async (file) =>
        (await readRows(table, file)).map((row) => ({ ...row, run: file.partitionValues.run })),
      ),
    );
    return rows.flat();
  }

  /** Resolves once the group of live featurizers has committed everything that is announced now. */
  async untilFeaturized(): Promise<void> {
    const ends = await this.admin.endOffsets(this.topics.photos);
    await vi.waitFor(
      async () => {
        const committed = await this.admin.committedOffsets(this.env.FEATURIZER_GROUP!, this.topics.photos);
        const next = new Map(committed.map(({ partition, offset }) => [partition, offset]));
        const behind = ends.filter(({ partition, offset }) => (next.get(partition) ?? 0) < offset);
        if (behind.length > 0) throw new Error(`not featurized yet: ${JSON.stringify(behind)}`);
      },
      { timeout: WAIT_MS_MAX, interval: 100 },
    );
  }

  photoUri(key: string): string {
    return `s3://${BUCKET}/${key}`;
  }

  photoAt(key: string) {
    return { bucket: BUCKET, key };
  }
}

interface RunningCommand {
  readonly ended: Promise<CommandResult>;
  interrupt(): void;
  /** Resolves when the command prints the text, from now on; rejects when it ends before. */
  printed(text: string): Promise<void>;
}

export async function colouredPhoto(index: number): Promise<Uint8Array> {
  const background = { r: (index * 37) % 256, g: (index * 91) % 256, b: (index * 151) % 256 };
  return sharp({ create: { width: 16, height: 16, channels: 3, background } })
    .jpeg()
    .toBuffer();
}

function meanGraph(factor: number): Uint8Array {
  return encodeOnnxModel({
    name: "mean",
    inputs: [{ name: "x", type: "float32", shape: ["batch", 3, 8, 8] }],
    outputs: [{ name: "features", type: "float32", shape: ["batch", 3] }],
    constants: [{ name: "factor", values: Float32Array.of(factor), shape: [1] }],
    nodes: [
      { op: "GlobalAveragePool", inputs: ["x"], outputs: ["means"] },
      { op: "Flatten", inputs: ["means"], outputs: ["flat"], attributes: { axis: 1 } },
      { op: "Mul", inputs: ["flat", "factor"], outputs: ["features"] },
    ],
  });
}
