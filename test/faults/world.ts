import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import pLimit from "p-limit";
import { openAdmin } from "#lib/log/kafka/kafka-admin.ts";
import type { KafkaSettings } from "#lib/log/kafka/kafka-client.ts";
import { openProducer } from "#lib/log/kafka/kafka-producer.ts";
import { readTopic } from "#lib/log/kafka/read-topic.ts";
import type { LogAdmin, NewRecord, PositionedProducer } from "#lib/log/record-log.ts";
import { photoArrivedCodec } from "#lib/messages/avro/avro-codec.ts";
import type { PhotoArrived } from "#lib/messages/messages.ts";
import { type Topics, topicShapes, topicsWithPrefix } from "#lib/messages/topics.ts";
import { silentLogger } from "#lib/runtime/logger.ts";
import type { Random } from "#lib/runtime/random.ts";
import { retryWithin } from "#lib/runtime/retry.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { openTable } from "#lib/table/open-table.ts";
import type { TableLocation } from "#lib/table/table-location.ts";
import { flushTable, STALL_SECONDS } from "#ops/flush/flush-table.ts";
import { openStackStore } from "#ops/pipeline/endpoints.ts";
import { type PipelineState, readPipelineState } from "#ops/pipeline/pipeline-state.ts";
import type { FaultStack } from "./fault-stack.ts";
import type { SamplePhoto } from "./sample-photos.ts";
import { type ServiceKind, ServiceUnderFault } from "./service-under-fault.ts";
import { until } from "./until.ts";
import { PARTITIONING, worldEnv } from "./world-env.ts";

const PARTITIONS = 4;
const FLOW_PHOTOS = 8;
/** Far above what any fault costs: the longest is a stall, which the S3 client cuts after 20 s, more than once. */
const SETTLE_MS_MAX = 180_000;
const APPEND_MS_MAX = 60_000;
const PUTS_MAX = 16;
const FIRST_EVENT_MS = Date.parse("2026-03-01T10:00:00Z");
const HOUR_MS = 3_600_000;
/** Of no photo. */
const WRONG_ETAG = "0".repeat(32);
/** So that a commit carries more than one file. */
const HOURS = 2;

export interface WorldParts {
  readonly stack: FaultStack;
  /** Names topics, groups and the table. */
  readonly id: string;
  readonly random: Random;
  readonly bucket: string;
  readonly modelFolder: string;
  readonly photos: readonly SamplePhoto[];
  readonly logFolder: string;
}

/**
 * One installation on a stack with faults: its topics of four partitions, its table, its services as processes that
 * reach the stack through the proxies only, and a way past them for whoever announces photos and looks at the outcome.
 */
export class World {
  readonly parts: WorldParts;
  readonly topics: Topics;
  readonly location: TableLocation;
  readonly groups: Readonly<Record<"featurizer" | "reducer", string>>;
  readonly kafka: KafkaSettings;
  readonly store: ObjectStore;
  readonly services: ServiceUnderFault[] = [];
  readonly #admin: LogAdmin;
  readonly #producer: PositionedProducer;
  readonly #vectors: Map<string, Float32Array>;
  /** Photos that were put on S3 once more under another key. */
  readonly #copies = new Map<string, Promise<unknown>>();
  #table: DeltaTable | undefined;
  #announced = 0;

  private constructor(
    parts: WorldParts,
    topics: Topics,
    kafka: KafkaSettings,
    admin: LogAdmin,
    producer: PositionedProducer,
  ) {
    this.parts = parts;
    this.#vectors = new Map(parts.photos.map(({ key, features }) => [key, features]));
    this.topics = topics;
    this.kafka = kafka;
    this.location = { bucket: parts.bucket, prefix: `tables/${parts.id}` };
    this.groups = { featurizer: `${parts.id}.featurizers`, reducer: `${parts.id}.reducers` };
    this.store = openStackStore(parts.stack.direct);
    this.#admin = admin;
    this.#producer = producer;
  }

  static async open(parts: WorldParts): Promise<World> {
    const topics = topicsWithPrefix(`${parts.id}.`);
    const kafka = { brokers: parts.stack.direct.kafkaBrokers, clientId: "fault-suite" };
    await mkdir(parts.logFolder, { recursive: true });
    const admin = await openAdmin(kafka, silentLogger);
    await admin.ensureTopics(topicShapes(topics, PARTITIONS));
    return new World(parts, topics, kafka, admin, await openProducer(kafka, silentLogger));
  }

  get announced(): number {
    return this.#announced;
  }

  service(name: string): ServiceUnderFault {
    return this.services.find((service) => service.name === name)!;
  }

  of(kind: ServiceKind): ServiceUnderFault[] {
    return this.services.filter((service) => service.kind === kind);
  }

  /** @param changes override the settings of the suite. */
  start(kind: ServiceKind, changes: Record<string, string> = {}): ServiceUnderFault {
    const name = `${kind}-${this.of(kind).length + 1}`;
    const env = { ...this.env, ...changes };
    const service = new ServiceUnderFault({ name, kind, env, logPath: join(this.parts.logFolder, `${name}.log`) });
    this.services.push(service);
    return service;
  }

  /** Starts so many of each and waits until each has partitions, so that a fault meets services at work. */
  async startAll(featurizers: number, reducers: number): Promise<void> {
    for (let index = 0; index < reducers; index++) this.start("reducer");
    for (let index = 0; index < featurizers; index++) this.start("featurizer");
    await this.shared();
  }

  /** Waits until every service is at work. */
  async shared(): Promise<void> {
    await until("every service is at work", () => this.services.every(({ isAtWork }) => isAtWork));
  }

  /** Waits until two groups of two have shared their partitions for good: each member has half of the four. */
  async atRest(): Promise<void> {
    const members = [...this.of("featurizer"), ...this.of("reducer")];
    await until("the groups have come to rest", () => members.every(({ partitions }) => partitions?.length === 2));
  }

  /** Puts the next so many photos on S3, so that S3 may be away when they are announced. Gives their numbers. */
  async putAhead(count: number): Promise<number[]> {
    const limit = pLimit(PUTS_MAX);
    const numbers = Array.from({ length: count }, (_, index) => this.#announced + index);
    await Promise.all(numbers.map((number) => limit(() => this.#putCopy(number))));
    return numbers;
  }

  /**
   * Announces so many photos, evenly over the partitions.
   *
   * @param hours how many hours their event times are of, in turn.
   */
  async announce(count: number, hours = HOURS): Promise<void> {
    await this.append(this.topics.photos, await this.#records(count, hours));
    this.#announced += count;
  }

  /** Announces so many of the photos that were announced last once more, each where it was announced before. */
  async announceAgain(count: number, hours = HOURS): Promise<void> {
    const first = Math.max(0, this.#announced - count);
    const records = Array.from({ length: this.#announced - first }, (_, index) => this.#record(first + index, hours));
    await this.append(this.topics.photos, records);
  }

  /** Announces so many photos on one partition, and on no other. */
  async announceOn(partition: number, count: number): Promise<void> {
    const records = await this.#records(count, HOURS);
    await this.append(
      this.topics.photos,
      records.map((record) => ({ ...record, partition })),
    );
    this.#announced += count;
  }

  /** Announces a photo that is not on S3, and one that was replaced since. */
  async announceGone(): Promise<void> {
    await this.#putCopy(this.#announced);
    const gone = this.#record(this.#announced, HOURS, { key: "photos/gone.png" });
    const replaced = this.#record(this.#announced, HOURS, { etag: WRONG_ETAG });
    await this.append(this.topics.photos, [gone, replaced]);
  }

  /** The vector of the photo that is on S3 under this key, or undefined when there is none. */
  vectorOf(key: string): Float32Array | undefined {
    return this.#vectors.get(key);
  }

  /** Whether S3 has the photo that was announced, with the announced etag. */
  isOnS3(photo: PhotoArrived | undefined): boolean {
    return photo !== undefined && this.#vectors.has(photo.key) && photo.etag !== WRONG_ETAG;
  }

  /** Notes that the photo will be on S3 under this key too. */
  expectPhoto(key: string, { features }: SamplePhoto): void {
    this.#vectors.set(key, features);
  }

  /** By key, how often a photo was announced on the topic so far. */
  async arrivals(): Promise<ReadonlyMap<string, number>> {
    const counts = new Map<string, number>();
    await readTopic(this.kafka, this.topics.photos, silentLogger, ({ value }) => {
      const { key } = photoArrivedCodec.decode(value);
      counts.set(key, (counts.get(key) ?? 0) + 1);
    });
    return counts;
  }

  /** Commits the reducers' open windows. */
  async flush(): Promise<void> {
    const access = { admin: this.#admin, producer: this.#producer, table: await this.table() };
    await flushTable({ ...access, featuresTopic: this.topics.features }, STALL_SECONDS, new AbortController().signal);
  }

  async table(): Promise<DeltaTable> {
    this.#table ??= await openTable(this.store, this.location, { createIfAbsent: true, partitioning: PARTITIONING });
    return this.#table;
  }

  /** Repeated while the broker is away; the check counts what is on the topic then. */
  append(topic: string, records: readonly NewRecord[]): Promise<void> {
    return retryWithin(APPEND_MS_MAX, () => this.#producer.append(topic, records));
  }

  /** Announces photos, a few at a time, until the condition holds. */
  async flowUntil(what: string, condition: () => boolean, msMax = SETTLE_MS_MAX): Promise<void> {
    await until(
      what,
      async () => {
        await this.announce(FLOW_PHOTOS);
        return condition();
      },
      msMax,
    );
  }

  async state(): Promise<PipelineState> {
    return readPipelineState(this.#admin, await this.table(), this.topics, this.groups.featurizer);
  }

  /** Waits until everything announced is in the table or among the dead letters. */
  async settled(msMax = SETTLE_MS_MAX): Promise<PipelineState> {
    let state: PipelineState | undefined;
    const isSettled = async () => {
      state = await this.state();
      return state.featurizerLag === 0 && state.reducerLag === 0;
    };
    await until("everything announced is in the table", isSettled, msMax).catch((error) => {
      throw new Error(`${error.message}; the last state is ${JSON.stringify(state)}`);
    });
    return state!;
  }

  async endServices(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    await Promise.all(this.services.map((service) => service.end(signal)));
  }

  async close(): Promise<void> {
    await this.endServices("SIGKILL");
    await Promise.all([this.#admin.close(), this.#producer.close()]);
    this.store.close();
  }

  /** Of the next photos: each is another one, whose announcement is a row of its own. */
  async #records(count: number, hours: number): Promise<NewRecord[]> {
    const numbers = await this.putAhead(count);
    return numbers.map((number) => this.#record(number, hours));
  }

  async #putCopy(number: number): Promise<void> {
    const { bucket } = this.parts;
    const photo = this.#photo(number);
    if (this.#vectors.has(photo.key)) return void (await this.#copies.get(photo.key));
    this.expectPhoto(photo.key, photo);
    const put = retryWithin(APPEND_MS_MAX, () => this.store.put({ bucket, key: photo.key }, photo.bytes));
    this.#copies.set(photo.key, put);
    await put;
  }

  /** The sample's photos, and then the same under other keys, again and again. */
  #photo(number: number): SamplePhoto {
    const { photos } = this.parts;
    const photo = photos[number % photos.length]!;
    const round = Math.floor(number / photos.length);
    return round === 0 ? photo : { ...photo, key: photo.key.replace(/[^/]+$/, `${round}-$&`) };
  }

  #record(number: number, hours: number, changes: { readonly key?: string; readonly etag?: string } = {}): NewRecord {
    const { bucket } = this.parts;
    const { key, etag, sizeBytes } = { ...this.#photo(number), ...changes };
    const capturedAtMs = FIRST_EVENT_MS + (Math.floor(number / PARTITIONS) % hours) * HOUR_MS;
    const times = { capturedAtMs, capturedAtSource: "object", ingestedAtMs: Date.now() };
    const about = { label: null, ...times, traceparent: null };
    const value = photoArrivedCodec.encode({ bucket, key, etag, sizeBytes, ...about });
    return { partition: number % PARTITIONS, key: Buffer.from(key), value };
  }

  /** What services and commands are told by their environment. */
  get env(): Record<string, string> {
    const { stack, bucket, id, modelFolder } = this.parts;
    const { location, groups } = this;
    return worldEnv({ stackEnv: stack.serviceEnv, bucket, id, modelFolder, location, groups });
  }
}
