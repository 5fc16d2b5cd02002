import pLimit from "p-limit";
import type { PartitionWork, WorkHost } from "#lib/log/partition-work.ts";
import type { LogRecord, RecordConsumer } from "#lib/log/record-log.ts";
import { isFlushMarker } from "#lib/messages/flush-marker.ts";
import type { ForgottenPhotos } from "#lib/messages/forgotten-photos.ts";
import type { PhotoFeatures } from "#lib/messages/messages.ts";
import { aborted } from "#lib/runtime/aborted.ts";
import { FruitstreamError, fateOf } from "#lib/runtime/errors.ts";
import { metrics } from "#lib/runtime/metrics.ts";
import type { StepName } from "#lib/runtime/waiting-retry.ts";
import type { TxnGuard } from "#lib/table/delta/transaction.ts";
import { fingerprintOf } from "#lib/table/photo-version.ts";
import type { PhotoVersions } from "#lib/table/photo-versions.ts";
import { highWaterAppId, knownAppId, partitionsAppId, TableProgress } from "#lib/table/table-progress.ts";
import type { BasisKeeper } from "./basis-keeper.ts";
import { type CommitWindowDeps, commitWindow } from "./commit-window.ts";
import type { TopicsNow } from "./same-topics.ts";
import { seeOthersCommits } from "./see-others-commits.ts";
import type { TopicWatch } from "./topic-watch.ts";
import type { VectorIntake } from "./vector-intake.ts";
import { fencedBy, type MovedTxn, noteForgotten, Window, type WindowBounds } from "./window.ts";

export interface ReducerWorkDeps extends CommitWindowDeps {
  readonly consumer: Pick<RecordConsumer, "commit">;
  readonly intake: VectorIntake;
  /** As it was when the work was opened: later rules fence the window. */
  readonly forgotten: Pick<ForgottenPhotos, "has">;
  /** Of the partitions of this work, and of no window. */
  readonly photoVersions: PhotoVersions;
  /** Where this member keeps the moments. */
  readonly keeper: BasisKeeper | undefined;
  /** Told of each window that was committed. */
  readonly committed: (window: Window) => void;
  readonly watch: Pick<TopicWatch, "afterCommit">;
}

export interface ReducerWorkOptions {
  readonly featuresTopic: string;
  /** Their notes go into the table with the first window. */
  readonly topicsNow: TopicsNow;
  readonly window: WindowBounds;
  /** What the table said of forgetting before `forgotten` was read. */
  readonly guards: readonly TxnGuard[];
  /**
   * Whether somebody waits for the end of the reading. Others' commits are followed then, since they bring it nearer; and
   * flush markers are passed over, since markers of the past would only cut the files smaller.
   */
  readonly isBounded: boolean;
}

/**
 * A reducer's work on its partitions: vectors are gathered in a window, and each window becomes one table commit. The
 * table is the truth: a window's rows, the `features` offsets consumed and the source positions' high-water marks become
 * visible in one step, and reading begins where the table says.
 */
export class ReducerWork implements PartitionWork {
  readonly starts: ReadonlyMap<number, number>;
  readonly #deps: ReducerWorkDeps;
  readonly #options: ReducerWorkOptions;
  readonly #host: WorkHost;
  /** Records, commits and looks at the table take their turns, so that none sees another's half-done work. */
  readonly #inTurn = pLimit(1);
  /** What the table has, and what the open window will add to it. */
  readonly #progress: TableProgress;
  #window: Window;
  #isClosed = false;
  readonly #closed = Promise.withResolvers<void>();
  /** The latest publication of offsets to Kafka, which nothing waits for but a stop. */
  #publishing: Promise<void>;

  /** Begins from the table as it was last read. */
  constructor(deps: ReducerWorkDeps, options: ReducerWorkOptions, host: WorkHost, partitions: readonly number[]) {
    this.#deps = deps;
    this.#options = options;
    this.#host = host;
    this.#progress = new TableProgress(options.featuresTopic, deps.table.snapshot.txnVersions);
    this.#window = new Window(options.window, options.guards);
    this.starts = new Map(partitions.map((partition) => [partition, this.#progress.nextOffset(partition)]));
    // The owner before may have committed to the table and died before it said so.
    this.#publishing = this.#publishOffsets(partitions);
  }

  async take(partition: number, records: readonly LogRecord[]): Promise<void> {
    if (!this.#isCounted(partition)) return this.#closed.promise;
    await this.#inTurn(async () => {
      for (const record of records) {
        if (this.#isClosed) return;
        this.#requireNext(record);
        await this.#takeOne(record);
        if (this.#isClosed) return;
        // Last: should a dead letter not be acknowledged, the window does not pass its record over.
        this.#moveOffset(record.partition, record.offset + 1);
        if (this.#window.isFull || (isFlushMarker(record) && !this.#options.isBounded)) await this.#flush();
      }
    });
  }

  async pass(partition: number, nextOffset: number): Promise<void> {
    if (!this.#isCounted(partition)) return;
    await this.#inTurn(() => {
      if (this.#isClosed || this.#progress.nextOffset(partition) >= nextOffset) return;
      this.#window.open(this.#deps.clock.monotonicMs());
      this.#moveOffset(partition, nextOffset);
    });
  }

  /** The last records before the end may be gone from the topic: the table must not wait for them. */
  async finish(partition: number, end: number): Promise<void> {
    if (!this.#isCounted(partition)) return;
    await this.#inTurn(async () => {
      if (this.#isClosed) return;
      if (this.#progress.nextOffset(partition) < end) this.#moveOffset(partition, end);
      await this.#flush();
    });
  }

  position(partition: number): number {
    return this.#deps.table.snapshot.txnVersions.get(this.#progress.offsetAppId(partition)) ?? 0;
  }

  /** Commits a window that has been open for long enough, and looks for what others have committed meanwhile. */
  async tick(): Promise<void> {
    await this.#inTurn(async () => {
      if (this.#isClosed) return;
      if (this.#window.isDue(this.#deps.clock.monotonicMs())) await this.#flush();
      else if (this.#followsOthers) await this.#followOthers();
    });
  }

  /**
   * Draining commits the open window. At an assignment it would be lost otherwise, and where assignments follow each other
   * faster than windows fill, nothing would ever be committed. Nothing is held up by it: heartbeats go on meanwhile, and
   * where S3 is away there is no table to read on from either.
   */
  async close(how: "drain" | "drop"): Promise<void> {
    const { givingUp, stopping } = this.#host;
    this.#isClosed = true;
    this.#closed.resolve();
    const settled = this.#inTurn(() => (how === "drain" ? this.#drain() : undefined));
    try {
      await Promise.race([settled, aborted(givingUp).then(() => givingUp.throwIfAborted())]);
    } catch (error) {
      if (!stopping.aborted) throw error;
      const message = "could not commit the last window; its records are read again after the restart";
      this.#deps.logger.warn({ event: "window_not_committed", err: error }, message);
    }
  }

  async #drain(): Promise<void> {
    await this.#flush();
    if (!this.#host.stopping.aborted) return;
    await this.#withS3("checkpoint", async () => this.#deps.keeper?.save());
    await this.#withS3("checkpoint", () => this.#deps.photoVersions.save());
    await this.#publishing;
  }

  /** The others were added to the topic, and what is on them may come after vectors that are not read yet. */
  #isCounted(partition: number): boolean {
    return partition < this.#options.topicsNow.featuresPartitions;
  }

  get #followsOthers(): boolean {
    const { isBounded, topicsNow } = this.#options;
    return this.#deps.keeper !== undefined || isBounded || topicsNow.hasMoreFeatures || !this.#window.isEmpty;
  }

  #requireNext({ topic, partition, offset }: LogRecord): void {
    const expected = this.#progress.nextOffset(partition);
    if (offset >= expected) return;
    throw new FruitstreamError(
      "invalid-table",
      `"${topic}" partition ${partition} gave offset ${offset}, but the table has all up to ${expected}: was the topic created anew? Use a new table, or a topic of another name`,
    );
  }

  async #takeOne(record: LogRecord): Promise<void> {
    const { intake, clock, photoVersions, forgotten } = this.#deps;
    const { givingUp } = this.#host;
    this.#window.noteRecord(clock.monotonicMs());
    if (isFlushMarker(record)) return this.#window.noteMarker();
    const vector = intake.read(record);
    if (vector instanceof Error) return intake.setAside(record, vector, givingUp);

    const { message, row } = vector;
    if (message.sourceOffset < this.#progress.highWaterMark(message)) {
      metrics.reducerRepeats.inc();
      return this.#window.noteRepeat();
    }
    const { featuresPartitions, photosPartitions } = this.#options.topicsNow;
    const misplaced = intake.misplacement(message, record, featuresPartitions);
    if (misplaced) return intake.setAside(record, misplaced, givingUp);
    if (!intake.accepts(message)) {
      const problem = await intake.problemOf(message, this.#progress.highWaterMark(message), givingUp);
      if (problem) return intake.setAside(record, problem, givingUp);
    }
    if (message.sourcePartition >= photosPartitions && intake.isOfKnownPartition(message)) {
      return this.#beginAnew(message);
    }
    this.#move(highWaterAppId(message), message.sourceOffset + 1);
    if (forgotten.has(row.path, row.ingestedAtMs)) return noteForgotten(this.#window);
    const fingerprint = fingerprintOf({ ...row, etag: row.photoEtag });
    if (photoVersions.has(record.partition, fingerprint)) return this.#noteKnown(message);
    photoVersions.add(record.partition, fingerprint, row.ingestedAtMs);
    this.#window.addRow(row);
  }

  /** The topic of photos has more partitions than it had: what is known of photo versions may be another's by now. */
  #beginAnew({ sourceTopic, sourcePartition }: PhotoFeatures): void {
    this.#isClosed = true;
    const fields = { event: "partitions_added", topic: sourceTopic, partition: sourcePartition };
    this.#deps.logger.info(fields, "partitions were added to the topic of photos; reading on from the table");
    this.#host.fenced();
  }

  /** The photo has a row, of another announcement. */
  #noteKnown(message: PhotoFeatures): void {
    const appId = knownAppId(message);
    this.#move(appId, (this.#progress.get(appId) ?? 0) + 1);
    this.#window.noteKnown();
    metrics.reducerKnown.inc();
  }

  #moveOffset(partition: number, nextOffset: number): void {
    this.#window.partitions.add(partition);
    for (const [appId, version] of this.#options.topicsNow.notes) {
      if (this.#progress.get(appId) === undefined) this.#move(appId, version);
    }
    this.#move(this.#progress.offsetAppId(partition), nextOffset);
  }

  #move(appId: string, version: number): void {
    this.#window.noteMove(appId, this.#progress.get(appId), version);
    this.#progress.move(appId, version);
  }

  /** Makes the open window a table commit. Where others have moved what it moves, it is dropped, and this work is over. */
  async #flush(): Promise<void> {
    const { photoVersions } = this.#deps;
    const window = this.#window;
    if (window.isEmpty) return;
    this.#window = new Window(this.#options.window, this.#options.guards);
    const { result, rows } = await commitWindow(this.#deps, window, this.#host.givingUp);
    if (result.outcome === "fenced") {
      this.#fence(window, result);
      return this.#withS3("pca", async () => this.#deps.keeper?.seen(result.others));
    }
    this.#deps.committed(window);
    this.#deps.watch.afterCommit(this.#host);
    this.#publishing = this.#publishOffsets([...window.partitions]);
    await this.#withS3("photo-versions", () => photoVersions.committed(result.version, result.others));
    metrics.reducerPhotoVersions.set(photoVersions.count);
    await this.#withS3("pca", async () => this.#deps.keeper?.seen(result.others));
    await this.#withS3("pca", async () => this.#deps.keeper?.committed(result.version, rows));
  }

  /**
   * Whoever owned a partition before may commit its window after this member has read the table. The records read since
   * will be fenced then, together with those of all other partitions: the fewer the better.
   */
  async #followOthers(): Promise<void> {
    await seeOthersCommits(this.#deps, this.#host.givingUp);
    if (this.#countsOnMore()) return;
    const moved = this.#window.movedTxn(this.#deps.table.snapshot.txnVersions);
    if (moved) this.#fence(this.#window, moved);
  }

  /** `topics resize` has noted more partitions: its readers begin anew, by the new number. */
  #countsOnMore(): boolean {
    const { featuresTopic, topicsNow } = this.#options;
    const noted = this.#deps.table.snapshot.txnVersions.get(partitionsAppId(featuresTopic));
    if (noted === undefined || noted === topicsNow.featuresPartitions) return false;
    this.#isClosed = true;
    const fields = { event: "partitions_added", topic: featuresTopic, partitions: noted };
    this.#deps.logger.info(fields, "the table counts on more partitions of vectors; reading on from the table");
    this.#host.fenced();
    return true;
  }

  #fence({ rows }: Window, { appId, expected, actual }: MovedTxn): void {
    this.#isClosed = true;
    metrics.reducerCommits.inc({ outcome: "fenced" });
    const fields = { event: "window_fenced", rows: rows.length, appId, expected, actual };
    this.#deps.logger.warn(fields, `fenced: ${fencedBy(appId)}; dropping the window`);
    this.#host.fenced();
  }

  /** For lag monitors only; nothing reads them. */
  async #publishOffsets(partitions: readonly number[]): Promise<void> {
    const offsets = partitions.map((partition) => ({ partition, offset: this.#progress.nextOffset(partition) }));
    await this.#deps.consumer.commit(offsets).catch((error) => {
      const level = fateOf(error) === "retry" ? "debug" : "warn";
      const fields = { event: "offsets_not_published", err: error };
      this.#deps.logger[level](fields, "could not publish offsets to Kafka; retrying with the next commit");
    });
  }

  #withS3<Result>(name: StepName, attempt: () => Promise<Result>): Promise<Result> {
    return this.#deps.retry.run({ part: "s3", name, signal: this.#host.givingUp, attempt });
  }
}
