import { randomUUID } from "node:crypto";
import pLimit from "p-limit";
import type { ReadingEnd } from "#lib/log/reading-end.ts";
import type { LogRecord, PartitionOffset, RecordConsumer, RecordProducer } from "#lib/log/record-log.ts";
import { deadLetterCodec, photoFeaturesCodec } from "#lib/messages/avro/avro-codec.ts";
import type { SchemaTopic } from "#lib/messages/avro/schema-topic.ts";
import { deadLetterOf } from "#lib/messages/dead-letter.ts";
import { isFlushMarker } from "#lib/messages/flush-marker.ts";
import type { PhotoFeatures } from "#lib/messages/messages.ts";
import type { Topics } from "#lib/messages/topics.ts";
import type { MonotonicClock } from "#lib/runtime/clock.ts";
import { FruitstreamError, fateOf } from "#lib/runtime/errors.ts";
import type { Health } from "#lib/runtime/health.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import { metrics } from "#lib/runtime/metrics.ts";
import type { TellStarter } from "#lib/runtime/service-message.ts";
import { waitWithin } from "#lib/runtime/wait-within.ts";
import { WaitingRetry } from "#lib/runtime/waiting-retry.ts";
import type { CommitRequest, CommitResult, DeltaTable } from "#lib/table/delta/delta-table.ts";
import type { PhotoRow } from "#lib/table/photo-row.ts";
import { writeRows } from "#lib/table/table-files.ts";
import { highWaterAppId, TableProgress } from "#lib/table/table-progress.ts";
import type { BasisKeeper } from "./basis-keeper.ts";
import { SourceEnds } from "./source-ends.ts";
import { type VectorLengthBounds, VectorLengths } from "./vector-lengths.ts";
import { rowOf } from "./vector-row.ts";
import { Window, type WindowBounds } from "./window.ts";

export interface ReducerParts {
  readonly consumer: RecordConsumer;
  readonly producer: RecordProducer;
  /** Told of records before they are decoded. */
  readonly schemas: Pick<SchemaTopic, "learn">;
  /** The next offset of each partition of the topic of photos. */
  readonly sourceEnds: () => Promise<PartitionOffset[]>;
  readonly table: DeltaTable;
  readonly keeper: BasisKeeper;
  readonly clock: MonotonicClock;
  readonly health: Health;
  readonly logger: Logger;
  /** Told of each commit, and of what came of all records at the end. */
  readonly tell?: TellStarter | undefined;
}

export interface ReducerSettings {
  readonly topics: Topics;
  /** Partitions of the features topic. */
  readonly featuresPartitions: number;
  readonly window: WindowBounds;
  readonly vectorLengths: VectorLengthBounds;
  /** Where reading ends; undefined reads for ever. */
  readonly end?: ReadingEnd | undefined;
}

/** The application id by which a window is known to be useless. */
type MovedTxn = Pick<CommitResult & { outcome: "fenced" }, "appId" | "expected" | "actual">;

/** The partition whose owner keeps the moments and publishes bases. Every topic has it. */
const KEEPER_PARTITION = 0;
/** How often the age of an open window is looked at, in parts of its bound. */
const LOOKS_PER_WINDOW = 5;
/** However long a window may be open, commits of others that have made it useless are noticed within this time. */
const LOOK_MS_MAX = 5_000;
/** Whether the end is reached is looked at more often: somebody may wait for it. */
const END_LOOK_MS = 500;
/** How long a stop waits for the last window's commit; without it the window's records are read again. */
const LAST_COMMIT_MS_MAX = 6_000;

/**
 * Feature vectors in, table commits out. The table is the truth: a window's rows, the `features` offsets consumed and
 * the source positions' high-water marks become visible in one atomic commit, and reading begins where the table says.
 *
 * Delivery: each source position becomes exactly one row. A repeat lies below its high-water mark and is dropped. An
 * assignment commits the open window, also what it holds of partitions that have gone to others. Where their new owner
 * has committed first, the window finds the table's offsets moved: it is fenced, dropped as a whole, and the member reads
 * on from the table's offsets.
 */
export class ReducerPipeline {
  readonly #parts: ReducerParts;
  readonly #settings: ReducerSettings;
  readonly #stopping = new AbortController();
  /** Ends waiting for S3 once a stop has waited long enough. */
  readonly #abandon = new AbortController();
  readonly #failure = Promise.withResolvers<never>();
  readonly #finished = Promise.withResolvers<void>();
  /** Assignments, records and commits take their turns, so that none sees another's half-done work. */
  readonly #inTurn = pLimit(1);
  #owned: readonly number[] = [];
  /** Grows whenever reading starts anew: records handed over before are stale. */
  #generation = 0;
  /** Resolves when the generation ends. */
  #generationEnd = Promise.withResolvers<void>();
  /** The latest publication of offsets to Kafka, which nothing else waits for. */
  #publishing: Promise<void> = Promise.resolve();
  readonly #retry: WaitingRetry;
  readonly #lengths: VectorLengths;
  readonly #sourceEnds: SourceEnds;
  #progress: TableProgress;
  #window: Window;
  /** What became of the records that this member has committed. */
  readonly #committed = { records: 0, rows: 0, repeats: 0, markers: 0 };

  constructor(parts: ReducerParts, settings: ReducerSettings) {
    this.#parts = parts;
    this.#settings = settings;
    this.#window = new Window(settings.window);
    this.#progress = this.#progressOfTable();
    this.#retry = new WaitingRetry(parts);
    this.#lengths = new VectorLengths(parts.table, settings.vectorLengths);
    this.#sourceEnds = new SourceEnds({ ...parts, ask: parts.sourceEnds }, settings.topics.photos);
  }

  /** Works until `stop` or until the table has everything up to the end, or throws what only an operator can mend. */
  async run(): Promise<void> {
    const consuming = this.#parts.consumer.run({
      assigned: (partitions) => this.#inTurn(() => this.#assign(partitions)),
      records: async (partition, records) => {
        const generation = this.#generation;
        const over = this.#generationEnd.promise;
        await this.#inTurn(() => this.#read(partition, records, generation));
        // Not resolving keeps the partition from being fetched beyond its end.
        if (records.at(-1)!.offset >= this.#endOf(partition)) await over;
      },
      interrupted: (error) => this.#parts.health.report("kafka", "waiting", error.message),
    });
    this.#flushWhenDue().catch((error) => this.#failure.reject(error));
    await Promise.race([consuming, this.#finished.promise, this.#failure.promise]);
  }

  /** By partition that this member owns, the offset below which the table has everything. */
  get positions(): ReadonlyMap<number, number> {
    const progress = this.#progressOfTable();
    return new Map(this.#owned.map((partition) => [partition, progress.nextOffset(partition)]));
  }

  /** Commits the open window within a bounded time, saves the moments and leaves the group. */
  async stop(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort(new Error("the reducer is stopping"));
    const { clock, consumer, keeper, logger } = this.#parts;
    const last = this.#inTurn(async () => {
      await this.#flush();
      await this.#withS3("checkpoint", () => keeper.save());
    });
    // The offsets are a courtesy to lag monitors, so they have what the commit leaves of the time.
    const done = last
      .catch((error) => {
        logger.warn({ err: error }, "the last window was not committed; its records are read again after the restart");
      })
      .then(() => this.#publishing);
    if (!(await waitWithin(clock, LAST_COMMIT_MS_MAX, done))) this.#abandon.abort(new Error("no time left"));
    this.#beginGeneration();
    await consumer.stop();
  }

  /**
   * The open window is committed first: dropped, it would be lost again at the next assignment, and where these follow
   * each other faster than windows fill, nothing would ever be committed. Nothing is held up by it: heartbeats go on
   * meanwhile, and where S3 is away there is no table to read on from either.
   */
  async #assign(partitions: readonly number[]): Promise<ReadonlyMap<number, number>> {
    await this.#commitWindow();
    this.#owned = partitions;
    await this.#startAnew();
    this.#parts.keeper.isKeeping = partitions.includes(KEEPER_PARTITION);
    this.#parts.health.report("kafka", "ok");
    // The owner before may have committed to the table and died before it said so.
    this.#publishing = this.#publishOffsets(partitions);
    return new Map(partitions.map((partition) => [partition, this.#progress.nextOffset(partition)]));
  }

  /** Takes up the newest state of the table, without a window. */
  async #startAnew(): Promise<void> {
    this.#beginGeneration();
    this.#window = new Window(this.#settings.window);
    await this.#seeOthersCommits();
    this.#progress = this.#progressOfTable();
  }

  #beginGeneration(): void {
    this.#generation += 1;
    this.#generationEnd.resolve();
    this.#generationEnd = Promise.withResolvers();
  }

  async #seeOthersCommits(): Promise<void> {
    const commits = await this.#withS3("read-table", () => this.#parts.table.advance());
    metrics.tableVersion.set(this.#parts.table.snapshot.version);
    await this.#withS3("pca", () => this.#parts.keeper.seen(commits));
  }

  async #read(partition: number, records: readonly LogRecord[], generation: number): Promise<void> {
    await this.#learnSchemas(records);
    for (const record of records) {
      if (generation !== this.#generation || this.#stopping.signal.aborted) return;
      const end = this.#endOf(partition);
      if (record.offset >= end) return this.#closeGap(partition, record, end);
      this.#requireNext(partition, record);
      await this.#take(record);
      if (this.#window.isFull || this.#flushes(record) || record.offset + 1 >= end) await this.#flush();
    }
  }

  #endOf(partition: number): number {
    return this.#settings.end?.of(partition) ?? Number.POSITIVE_INFINITY;
  }

  async #learnSchemas(records: readonly LogRecord[]): Promise<void> {
    const { signal } = this.#stopping;
    const attempt = () => this.#parts.schemas.learn(records.map(({ value }) => value));
    try {
      await this.#retry.run({ part: "kafka", name: "schemas", signal, attempt });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** Whoever reads up to an end commits there; markers of the past would only cut the files smaller. */
  #flushes(record: LogRecord): boolean {
    return isFlushMarker(record) && !this.#settings.end;
  }

  /** The last records before the end are gone from the topic: the table must not wait for them. */
  async #closeGap(partition: number, record: LogRecord, end: number): Promise<void> {
    if (this.#progress.nextOffset(partition) >= end) return;
    this.#requireNext(partition, { ...record, offset: end });
    this.#window.partitions.add(partition);
    this.#move(this.#progress.offsetAppId(partition), end);
    await this.#flush();
  }

  #requireNext(partition: number, { topic, offset }: LogRecord): void {
    const expected = this.#progress.nextOffset(partition);
    if (offset < expected) {
      throw new FruitstreamError(
        "invalid-table",
        `"${topic}" partition ${partition} gave offset ${offset}, but the table has all up to ${expected}: was the topic created anew? Use a new table, or a topic of another name`,
      );
    }
    if (offset > expected) {
      const gap = { partition, expected, offset };
      this.#parts.logger.error(gap, `${offset - expected} records of "${topic}" are gone; raise the topic's retention`);
    }
  }

  async #take(record: LogRecord): Promise<void> {
    const { partition, offset } = record;
    this.#window.noteRecord(partition, this.#parts.clock.monotonicMs());
    this.#move(this.#progress.offsetAppId(partition), offset + 1);
    if (isFlushMarker(record)) return this.#window.noteMarker();
    const vector = this.#readVector(record);
    if (vector instanceof Error) return this.#deadLetter(record, vector);

    const { message, row } = vector;
    if (message.sourceOffset < this.#progress.highWaterMark(message)) {
      metrics.reducerRepeats.inc();
      this.#window.noteRepeat();
      return;
    }
    const problem = (await this.#checkSource(message)) ?? (await this.#checkLength(message));
    if (problem) return this.#deadLetter(record, problem);
    this.#notePartition(message, record);
    this.#window.addRow(row);
    this.#move(highWaterAppId(message), message.sourceOffset + 1);
  }

  /** The vector and its row, or the error that makes the record a dead letter. */
  #readVector(record: LogRecord): { message: PhotoFeatures; row: PhotoRow } | Error {
    try {
      const message = photoFeaturesCodec.decode(record.value);
      return { message, row: rowOf(message) };
    } catch (error) {
      if (fateOf(error) !== "dead-letter") throw error;
      return error as Error;
    }
  }

  #move(appId: string, version: number): void {
    this.#window.noteMove(appId, this.#progress.get(appId));
    this.#progress.move(appId, version);
  }

  /** A vector must be one of a photo that there is, or its source offset would hide those that are to come. */
  async #checkSource(message: PhotoFeatures): Promise<FruitstreamError | undefined> {
    if (this.#sourceEnds.isKnown(message)) return undefined;
    const attempt = () => this.#sourceEnds.problemOf(message, this.#progress.highWaterMark(message));
    return await this.#retry.run({ part: "kafka", name: "source-ends", signal: this.#abandon.signal, attempt });
  }

  /** Vectors of one model have one length, or there would be no moments of them. */
  async #checkLength(message: PhotoFeatures): Promise<FruitstreamError | undefined> {
    const { model, run, features } = message;
    const subject = { model, run };
    const known =
      this.#lengths.known(subject) ?? (await this.#withS3("vector-length", () => this.#lengths.of(subject)));
    if (known === undefined) {
      const problem = this.#lengths.problemOfFirst(message);
      if (!problem) this.#lengths.note(subject, features.length);
      return problem;
    }
    if (features.length === known) return undefined;
    const problem = `a vector of model "${model}" has ${features.length} values, those in the table have ${known}`;
    return new FruitstreamError("poison-message", problem);
  }

  /** More partitions than when the run began send a source partition elsewhere, and its order is lost. */
  #notePartition({ sourcePartition }: PhotoFeatures, { topic, partition, offset }: LogRecord): void {
    const { featuresPartitions } = this.#settings;
    if (sourcePartition % featuresPartitions === partition) return;
    const place = { partition, offset, sourcePartition, featuresPartitions };
    const problem = `a vector lies on another partition of "${topic}" than its source partition's`;
    this.#parts.logger.error(place, `${problem}; never change the number of partitions while a run goes on`);
  }

  async #deadLetter(record: LogRecord, error: Error): Promise<void> {
    const { topic, partition, offset, key } = record;
    const nowMs = this.#parts.clock.nowMs();
    const letter = deadLetterOf(record, error, { run: "", uri: null, traceparent: null, nowMs });
    this.#parts.logger.warn(
      { topic, partition, offset, reason: letter.reason, detail: letter.detail },
      "record set aside",
    );
    metrics.deadLetters.inc({ reason: letter.reason });
    const records = [{ key: letter.originalKey && key, value: deadLetterCodec.encode(letter) }];
    const attempt = () => this.#parts.producer.append(this.#settings.topics.deadLetters, records);
    await this.#retry.run({ part: "kafka", name: "dead-letter", signal: this.#abandon.signal, attempt });
  }

  async #flushWhenDue(): Promise<void> {
    const { clock } = this.#parts;
    const { window, end } = this.#settings;
    const windowLookMs = Math.max(1, Math.floor(window.openMsMax / LOOKS_PER_WINDOW));
    const lookMs = Math.min(windowLookMs, end ? END_LOOK_MS : LOOK_MS_MAX);
    while (!this.#stopping.signal.aborted) {
      await clock.sleep(lookMs, this.#stopping.signal).catch(() => undefined);
      await this.#inTurn(async () => {
        if (this.#stopping.signal.aborted) return;
        if (this.#window.isDue(clock.monotonicMs())) await this.#flush();
        else if (this.#parts.keeper.isKeeping || end || !this.#window.isEmpty) await this.#followOthers();
      });
      if (end && (await this.#isAt(end))) {
        this.#parts.logger.info({ event: "end_reached", ...this.#committed }, "the table has everything up to the end");
        this.#parts.tell?.({ kind: "reduced", ...this.#committed });
        return this.#finished.resolve();
      }
    }
  }

  /**
   * Whoever owned a partition before may commit its window after this member has read the table. The records read since
   * will be fenced then, together with those of all other partitions: the fewer the better.
   */
  async #followOthers(): Promise<void> {
    await this.#seeOthersCommits();
    const { baseTxns } = this.#window;
    const { txnVersions } = this.#parts.table.snapshot;
    for (const [appId, expected] of baseTxns) {
      const actual = txnVersions.get(appId);
      if (actual === expected) continue;
      this.#noteFenced(this.#window, { appId, expected, actual });
      return this.#restartFromTable();
    }
  }

  /** Whether the table has come to the end of all partitions: what others own may be reassigned to this member. */
  async #isAt(end: ReadingEnd): Promise<boolean> {
    const { signal } = this.#stopping;
    const progress = this.#progressOfTable();
    const attempt = () => end.isReached((partition) => progress.nextOffset(partition));
    try {
      return await this.#retry.run({ part: "kafka", name: "earliest-offsets", signal, attempt });
    } catch (error) {
      if (signal.aborted) return false;
      throw error;
    }
  }

  /** Makes the open window a table commit; when it was fenced, reads on from the table. */
  async #flush(): Promise<void> {
    if (!(await this.#commitWindow())) await this.#restartFromTable();
  }

  /** Makes the open window a table commit, or drops it and returns false when others have committed its records. */
  async #commitWindow(): Promise<boolean> {
    const window = this.#window;
    if (window.isEmpty) return true;
    this.#noteRepeats(window);
    this.#window = new Window(this.#settings.window);
    const { clock, keeper, table } = this.#parts;
    const startedAtMs = clock.monotonicMs();
    const { baseTxns } = window;
    const txns = [...baseTxns.keys()].map((appId) => ({ appId, version: this.#progress.get(appId)! }));

    const rows = await this.#withS3("pca", () => keeper.project(window.rows));
    const adds = await this.#withS3("write-files", () => writeRows(table, rows));
    const request: CommitRequest = { commitId: randomUUID(), operation: "STREAMING UPDATE", adds, txns, baseTxns };
    const result = await this.#withS3("commit", () => table.commit(request));
    if (result.outcome === "fenced") {
      this.#noteFenced(window, result);
      await this.#withS3("pca", () => keeper.seen(result.others));
      return false;
    }

    metrics.reducerCommits.inc({ outcome: "committed" });
    const tookMs = Math.round(clock.monotonicMs() - startedAtMs);
    metrics.reducerCommitSeconds.observe(tookMs / 1_000);
    metrics.reducerRows.inc(rows.length);
    this.#count(window);
    metrics.tableVersion.set(result.version);
    const commit = { version: result.version, rows: rows.length, tookMs };
    this.#parts.logger.info({ event: "table_committed", ...commit, files: adds.length }, "committed");
    this.#parts.tell?.({ kind: "committed", ...commit, atMs: clock.nowMs() });
    this.#publishing = this.#publishOffsets([...window.partitions]);
    await this.#withS3("pca", () => keeper.seen(result.others));
    await this.#withS3("pca", () => keeper.committed(result.version, rows));
    return true;
  }

  #noteFenced({ rows }: Window, { appId, expected, actual }: MovedTxn): void {
    metrics.reducerCommits.inc({ outcome: "fenced" });
    const dropped = { rows: rows.length, appId, expected, actual };
    this.#parts.logger.warn(dropped, "fenced: another reducer has committed these records; window dropped");
  }

  async #restartFromTable(): Promise<void> {
    await this.#startAnew();
    // Records that were handed over while the table was read are of the old place too; from the seeks on none are.
    this.#beginGeneration();
    for (const partition of this.#owned) this.#parts.consumer.seek(partition, this.#progress.nextOffset(partition));
  }

  /** For lag monitors only; nothing reads them. */
  async #publishOffsets(partitions: readonly number[]): Promise<void> {
    const offsets = partitions.map((partition) => ({ partition, offset: this.#progress.nextOffset(partition) }));
    await this.#parts.consumer.commit(offsets).catch((error) => {
      const level = fateOf(error) === "retry" ? "debug" : "warn";
      this.#parts.logger[level]({ err: error }, "offsets not published to Kafka this time");
    });
  }

  /** A crash repeats a few vectors; a whole window of them says that something else is wrong. */
  #noteRepeats({ rows, repeats }: Window): void {
    if (repeats === 0 || rows.length > 0) return;
    const hint = "expected after a crash; otherwise two models share a run, or the topic of photos was created anew";
    this.#parts.logger.warn({ repeats }, `every vector of this window is in the table already: ${hint}`);
  }

  #count({ records, rows, repeats, markers }: Window): void {
    this.#committed.records += records;
    this.#committed.rows += rows.length;
    this.#committed.repeats += repeats;
    this.#committed.markers += markers;
  }

  #withS3<Result>(name: string, attempt: () => Promise<Result>): Promise<Result> {
    return this.#retry.run({ part: "s3", name, signal: this.#abandon.signal, attempt });
  }

  #progressOfTable(): TableProgress {
    return new TableProgress(this.#settings.topics.features, this.#parts.table.snapshot.txnVersions);
  }
}
