import { join } from "node:path";
import type { NewRecord } from "#lib/log/record-log.ts";
import { photoArrivedCodec } from "#lib/messages/avro/avro-codec.ts";
import type { PhotoArrived } from "#lib/messages/messages.ts";
import { type Topics, topicShapes, topicsWithPrefix } from "#lib/messages/topics.ts";
import { systemClock } from "#lib/runtime/clock.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { TableCommit } from "#lib/runtime/service-message.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { openTable } from "#lib/table/open-table.ts";
import { formatTableUri } from "#lib/table/table-location.ts";
import { TableProgress } from "#lib/table/table-progress.ts";
import { countRows } from "#lib/table/table-summary.ts";
import { flushTable } from "#ops/flush/flush-table.ts";
import { endpointsAsEnv } from "#stack/endpoints.ts";
import { findFreePorts } from "#stack/local-port.ts";
import type { BenchContext } from "../bench.ts";
import type { Pids } from "../measure/process-meter.ts";
import { BenchService } from "./bench-service.ts";
import { type BenchStack, BUCKET } from "./bench-stack.ts";
import { STALL_MS_MAX, untilCounted } from "./until-counted.ts";

export interface BenchPipelineOptions {
  readonly name: string;
  readonly partitions: number;
}

/** For a reducer where the latency of single photos is measured: with its default of 30 s it would be the windows' own. */
export const SHORT_WINDOWS = { REDUCER_WINDOW_MS_MAX: "1000" };
/** How often progress is looked at: often enough for a figure to a few thousandths, seldom enough to cost nothing. */
const LOOK_MS = 250;
const ANNOUNCEMENTS_PER_APPEND = 5_000;

/** Topics, a table and services of one measurement, on the bench's stack. */
export class BenchPipeline {
  readonly id: string;
  readonly stack: BenchStack;
  readonly topics: Topics;
  readonly table: DeltaTable;
  readonly partitions: number;
  readonly #context: BenchContext;
  readonly #closing = new AbortController();
  /** Aborts when the bench is interrupted, and when the measurement is over: what was left waiting then ends. */
  readonly #signal: AbortSignal;
  #services: BenchService[] = [];
  #started = 0;
  #announced = 0;
  #markers = 0;

  private constructor(context: BenchContext, stack: BenchStack, id: string, partitions: number, table: DeltaTable) {
    this.#context = context;
    this.#signal = AbortSignal.any([context.signal, this.#closing.signal]);
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
      FEATURIZER_BUCKETS: BUCKET,
      FEATURIZER_GROUP: this.featurizerGroup,
      REDUCER_GROUP: `${this.id}.reducers`,
      // The same photos are announced again and again, and each time is to be a row.
      REDUCER_PHOTO_VERSIONS_MAX: "0",
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
  async start(kind: BenchService["kind"], env: Record<string, string> = {}): Promise<BenchService> {
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

  /** Vectors on the topic; a photo that was done again after a rebalance counts again. */
  async published(): Promise<number> {
    return (await this.#recordsOf(this.topics.features)) - this.#markers;
  }

  /** `untilCounted`, of the vectors on the topic. */
  untilPublished(count: number, lookMs = LOOK_MS): Promise<{ count: number; atMs: number }> {
    return this.untilCounted("vectors on the topic", count, () => this.published(), lookMs);
  }

  /**
   * Waits until the table has a row of each of so many photos. The reducers are made to commit what they hold as soon as
   * there are enough vectors; where some of these turn out to be repeats, as many more are waited for.
   *
   * @throws stack-unavailable as `untilCounted`, and when the table has more rows than photos.
   */
  async untilInTable(photos: number): Promise<void> {
    for (let repeats = 0; ; ) {
      await this.untilPublished(photos + repeats);
      await this.flush();
      const { snapshot } = this.table;
      const rows = countRows(snapshot);
      if (rows === photos) return;
      if (rows > photos) {
        throw new FruitstreamError("stack-unavailable", `${this.id}: the table has ${rows} rows of ${photos} photos`);
      }
      const progress = new TableProgress(this.topics.features, snapshot.txnVersions);
      const partitions = Array.from({ length: this.partitions }, (_, partition) => partition);
      const read = partitions.reduce((sum, partition) => sum + progress.nextOffset(partition), 0);
      repeats = read - this.#markers - rows;
    }
  }

  /** The commits of a reducer, once it has told of a version of the table: it does so after the commit. */
  async commitsTo(version: number, reducer: BenchService): Promise<readonly TableCommit[]> {
    const look = async () => reducer.commits.at(-1)?.version ?? 0;
    await this.untilCounted("versions that the reducer has told of", version, look);
    return reducer.commits;
  }

  /**
   * Waits until a count of whatever kind is reached.
   *
   * @returns the count, which may be larger, and when it was taken (ms since the epoch).
   * @throws stack-unavailable when a photo becomes a dead letter, a service ends or nothing moves; the signal's reason.
   */
  untilCounted(
    what: string,
    target: number,
    look: () => Promise<number>,
    lookMs = LOOK_MS,
  ): Promise<{ count: number; atMs: number }> {
    return untilCounted(systemClock, {
      where: this.id,
      what,
      target,
      look: () => Promise.race([look(), this.#broken()]),
      pause: () => this.pause(lookMs),
      check: () => this.#requireNoDeadLetters(),
      seeAlso: () => this.#logs(),
    });
  }

  /** @throws stack-unavailable when a service ends meanwhile; the signal's reason. */
  async pause(delayMs: number): Promise<void> {
    await Promise.race([systemClock.sleep(delayMs, this.#signal), this.#broken()]);
  }

  /** Stops one service before the others. */
  async stop(service: BenchService): Promise<void> {
    this.#services = this.#services.filter((one) => one !== service);
    await service.stop();
  }

  /** Stops the services, in order, so that their logs are whole. */
  async close(): Promise<void> {
    this.#closing.abort(new Error(`${this.id} is closed`));
    await Promise.all(this.#services.map((service) => service.stop()));
  }

  /** Has the reducers commit what they hold; then the table's snapshot has everything that was published before. */
  async flush(): Promise<void> {
    const { admin, producer } = this.stack;
    const parts = { admin, producer, table: this.table, featuresTopic: this.topics.features };
    this.#markers += this.partitions;
    await Promise.race([flushTable(parts, STALL_MS_MAX / 1_000, this.#signal), this.#broken()]);
  }

  #broken(): Promise<never> {
    return Promise.race(this.#services.map(({ broken }) => broken));
  }

  async #recordsOf(topic: string): Promise<number> {
    return (await this.stack.admin.endOffsets(topic)).reduce((sum, { offset }) => sum + offset, 0);
  }

  async #requireNoDeadLetters(): Promise<void> {
    const letters = await this.#recordsOf(this.topics.deadLetters);
    if (letters === 0) return;
    throw new FruitstreamError("stack-unavailable", `${this.id}: dead letters, ${letters} by now; see ${this.#logs()}`);
  }

  #logs(): string {
    return this.#services.map(({ logPath }) => logPath).join(", ");
  }
}

/** Numbers the pipelines of this process, so that none shares topics or a table with another. */
let opened = 1;
