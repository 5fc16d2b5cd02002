import { join } from "node:path";
import { flushTable } from "../../cli/flush.ts";
import { photoArrivedCodec } from "../../lib/contract/avro-codec.ts";
import type { PhotoArrived } from "../../lib/contract/messages.ts";
import { type Topics, topicShapes, topicsWithPrefix } from "../../lib/contract/topics.ts";
import type { NewRecord } from "../../lib/kafka/record-log.ts";
import { systemClock } from "../../lib/runtime/clock.ts";
import { FruitstreamError } from "../../lib/runtime/errors.ts";
import type { DeltaTable } from "../../lib/table/delta-table.ts";
import { openTable } from "../../lib/table/open-table.ts";
import { formatTableUri } from "../../lib/table/table-location.ts";
import { endpointsAsEnv } from "../../stack/endpoints.ts";
import { findFreePorts } from "../../stack/local-port.ts";
import type { BenchContext } from "../bench.ts";
import type { Pids } from "../measure/process-meter.ts";
import { BenchService } from "./bench-service.ts";
import { type BenchStack, BUCKET } from "./bench-stack.ts";

export interface BenchPipelineOptions {
  readonly name: string;
  readonly partitions: number;
}

/** As in the demo: nobody who watches waits longer for a row. */
const WINDOW_MS_MAX = 1_000;
/** How often progress is looked at: often enough for a figure to a few thousandths, seldom enough to cost nothing. */
const LOOK_MS = 100;
/** Nothing at all has happened for so long: it never will. */
const STALL_MS_MAX = 60_000;
const ANNOUNCEMENTS_PER_APPEND = 5_000;

/** Topics, a table and services of one measurement, on the bench's stack. */
export class BenchPipeline {
  readonly id: string;
  readonly stack: BenchStack;
  readonly topics: Topics;
  readonly table: DeltaTable;
  readonly partitions: number;
  readonly #context: BenchContext;
  #services: BenchService[] = [];
  #started = 0;
  #announced = 0;
  #markers = 0;

  private constructor(context: BenchContext, stack: BenchStack, id: string, partitions: number, table: DeltaTable) {
    this.#context = context;
    this.stack = stack;
    this.id = id;
    this.topics = topicsWithPrefix(`${id}.`);
    this.partitions = partitions;
    this.table = table;
  }

  static async open(context: BenchContext, { name, partitions }: BenchPipelineOptions): Promise<BenchPipeline> {
    const stack = await context.stack();
    const id = `${name}-${opened++}`;
    const location = { bucket: BUCKET, prefix: `tables/${id}` };
    const table = await openTable(stack.store, location, { createIfAbsent: true });
    const pipeline = new BenchPipeline(context, stack, id, partitions, table);
    await stack.admin.ensureTopics(topicShapes(pipeline.topics, partitions));
    return pipeline;
  }

  /** What the services read, unless a measurement says otherwise. */
  get env(): Record<string, string> {
    return {
      ...endpointsAsEnv(this.stack.endpoints),
      TOPIC_PREFIX: `${this.id}.`,
      TABLE_URI: formatTableUri(this.table.location),
      FEATURIZER_MODEL_DIR: this.#context.modelFolder,
      FEATURIZER_GROUP: this.featurizerGroup,
      REDUCER_GROUP: `${this.id}.reducers`,
      REDUCER_WINDOW_MS_MAX: String(WINDOW_MS_MAX),
    };
  }

  get featurizerGroup(): string {
    return `${this.id}.featurizers`;
  }

  /** The processes at work for this pipeline, by role, and the bench itself. */
  get pids(): Pids {
    const roles: Record<string, number[]> = {};
    for (const { kind, pid } of this.#services) roles[kind] = [...(roles[kind] ?? []), pid];
    return { ...roles, ...this.stack.serverPids, bench: [process.pid] };
  }

  /** Starts a service as a process of its own; `close` stops it. It must not end before. */
  async start(kind: "featurizer" | "reducer", env: Record<string, string> = {}): Promise<BenchService> {
    const [port] = (await findFreePorts(1)) as [number];
    const name = `${this.id}.${kind}-${++this.#started}`;
    const logPath = join(this.#context.workFolder, `${name}.log`);
    const service = new BenchService(kind, { name, logPath, port, env: { ...this.env, ...env } });
    this.#services.push(service);
    return service;
  }

  /**
   * Announces photos, in turn over the partitions: keys of a small sample would fall unevenly, and a partition that has
   * more than its share would be measured as slowness.
   */
  async announce(photos: Iterable<PhotoArrived>): Promise<void> {
    let records: NewRecord[] = [];
    const append = async () => this.stack.producer.append(this.topics.photos, records);
    for (const photo of photos) {
      const partition = this.#announced++ % this.partitions;
      records.push({ partition, key: Buffer.from(photo.key), value: photoArrivedCodec.encode(photo) });
      if (records.length < ANNOUNCEMENTS_PER_APPEND) continue;
      await append();
      records = [];
    }
    if (records.length > 0) await append();
  }

  /** Vectors on the topic. */
  async published(): Promise<number> {
    return (await this.#recordsOf(this.topics.features)) - this.#markers;
  }

  /**
   * Waits until there are so many vectors.
   *
   * @returns how many there are, and when they were counted (ms since the epoch).
   * @throws stack-unavailable when photos become dead letters, a service ends or nothing moves; the signal's reason.
   */
  async untilPublished(count: number, lookMs = LOOK_MS): Promise<{ count: number; atMs: number }> {
    let before = -1;
    let movedAtMs = systemClock.nowMs();
    for (;;) {
      const seen = await Promise.race([this.published(), this.#broken()]);
      const atMs = systemClock.nowMs();
      if (seen >= count) return { count: seen, atMs };
      if (seen > before) movedAtMs = atMs;
      before = seen;
      if (atMs - movedAtMs > STALL_MS_MAX) throw await this.#stalled(seen, count);
      await this.pause(lookMs);
    }
  }

  /** @throws stack-unavailable when a service ends meanwhile; the signal's reason. */
  async pause(delayMs: number): Promise<void> {
    await Promise.race([systemClock.sleep(delayMs, this.#context.signal), this.#broken()]);
  }

  /** Has the reducers commit what they hold; resolves once the table has everything that was published before. */
  async flush(): Promise<void> {
    const { admin, producer } = this.stack;
    const parts = { admin, producer, table: this.table, featuresTopic: this.topics.features };
    this.#markers += this.partitions;
    await Promise.race([flushTable(parts, STALL_MS_MAX / 1_000, this.#context.signal), this.#broken()]);
  }

  /** Stops one service before the others. */
  async stop(service: BenchService): Promise<void> {
    this.#services = this.#services.filter((one) => one !== service);
    await service.stop();
  }

  /** Stops the services, in order, so that their logs are whole. */
  async close(): Promise<void> {
    await Promise.all(this.#services.map((service) => service.stop()));
  }

  #broken(): Promise<never> {
    return Promise.race(this.#services.map(({ broken }) => broken));
  }

  async #recordsOf(topic: string): Promise<number> {
    return (await this.stack.admin.endOffsets(topic)).reduce((sum, { offset }) => sum + offset, 0);
  }

  async #stalled(seen: number, count: number): Promise<FruitstreamError> {
    const letters = await this.#recordsOf(this.topics.deadLetters);
    const logs = this.#services.map(({ logPath }) => logPath).join(", ");
    const message = `${this.id}: ${seen} of ${count} vectors and ${letters} dead letters, and nothing moves; see ${logs}`;
    return new FruitstreamError("stack-unavailable", message);
  }
}

/** Numbers the pipelines of this process, so that none shares topics or a table with another. */
let opened = 1;
