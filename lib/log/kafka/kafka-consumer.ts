import type { Consumer, ConsumerCrashEvent, ConsumerGroupJoinEvent, EachBatchPayload } from "kafkajs";
import pLimit from "p-limit";
import { systemClock, watchForSetBack } from "#lib/runtime/clock.ts";
import { FruitstreamError, fateOf } from "#lib/runtime/errors.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import type { ConsumerHandlers, LogRecord, Membership, PartitionOffset, RecordConsumer } from "../record-log.ts";
import { ownTopicAssigner, sharedGroup } from "./group-assigner.ts";
import { createKafka, fromKafkaError, type KafkaSettings, METADATA_AGE_MS_MAX, RETRY } from "./kafka-client.ts";
import { safeOffset, toLogRecord } from "./kafka-records.ts";

export type ConsumerSettings = KafkaSettings & Membership;

/** How long a fetch waits for records. A partition that was paused is asked for again after it. */
const FETCH_WAIT_MS_MAX = 100;
/** The client fetches nothing for any partition while a batch is in hand, so a slow one is set aside after this time. */
const IN_HAND_MS_MAX = 100;
/** Records of one partition in one fetch; with every partition's share it bounds what the client holds. */
const FETCH_PARTITION_BYTES_MAX = 1_048_576;
/** Between two attempts to join the group after the client has given up; each attempt repeats its own requests. */
const REJOIN_WAIT_MS = 1_000;
/** More partitions than a member will own: all are handed over at the same time. */
const PARTITIONS_AT_ONCE_MAX = 256;

/** A member of a consumer group over kafkajs. Nothing is committed but what `commit` is given. */
export function createConsumer(settings: ConsumerSettings, logger: Logger): RecordConsumer {
  return new KafkaConsumer(settings, logger);
}

/** What the member owns since a join. A later join makes it stale. */
interface Assignment {
  /** Resolves once the owner has said where each partition starts, and the seeks are made. */
  readonly ready: Promise<void>;
  /** By partition, how often its position was moved: records fetched before a move are stale. */
  readonly seeks: Map<number, number>;
}

class KafkaConsumer implements RecordConsumer {
  readonly #settings: ConsumerSettings;
  readonly #logger: Logger;
  readonly #consumer: Consumer;
  readonly #finished = Promise.withResolvers<void>();
  readonly #commitInTurn = pLimit(1);
  #commitsAcknowledged = 0;
  #assignment: Assignment | undefined;
  #memberId: string | undefined;
  #stopping: Promise<void> | undefined;

  constructor(settings: ConsumerSettings, logger: Logger) {
    this.#settings = settings;
    this.#logger = logger;
    // A failure during the join comes before `run` waits for this.
    this.#finished.promise.catch(() => undefined);
    this.#consumer = createKafka(settings, logger).consumer({
      groupId: settings.group,
      sessionTimeout: settings.sessionMsMax,
      rebalanceTimeout: settings.sessionMsMax,
      heartbeatInterval: heartbeatMs(settings),
      allowAutoTopicCreation: false,
      partitionAssigners: [ownTopicAssigner],
      metadataMaxAge: METADATA_AGE_MS_MAX,
      maxWaitTimeInMs: FETCH_WAIT_MS_MAX,
      minBytes: settings.gatherBytesMin ?? 1,
      maxBytesPerPartition: FETCH_PARTITION_BYTES_MAX,
      retry: { ...RETRY, restartOnFailure: async () => this.#stopping === undefined },
    });
  }

  async run(handlers: ConsumerHandlers): Promise<void> {
    const { events } = this.#consumer;
    this.#consumer.on(events.GROUP_JOIN, ({ payload }) => this.#onJoin(payload, handlers));
    this.#consumer.on(events.COMMIT_OFFSETS, () => {
      this.#commitsAcknowledged += 1;
    });
    // The client passes over a batch in which there is nothing to hand over, and only says so here.
    this.#consumer.on(events.END_BATCH_PROCESS, ({ payload }) => {
      if (payload.batchSize > 0 || !this.#assignment || this.#stopping !== undefined) return;
      const { partition, firstOffset, lastOffset } = payload;
      handlers.skipped?.(partition, safeOffset(firstOffset ?? lastOffset), safeOffset(lastOffset) + 1);
    });
    this.#consumer.on(events.RECEIVED_UNSUBSCRIBED_TOPICS, ({ payload }) => {
      this.#fail(sharedGroup(this.#settings, payload.topicsNotSubscribed));
    });
    this.#consumer.on(events.CRASH, ({ payload }) => this.#onCrash(payload, handlers));
    try {
      await this.#consumer.connect();
      await this.#consumer.subscribe({ topic: this.#settings.topic, fromBeginning: true });
      if (this.#stopping === undefined) await this.#join(handlers);
    } catch (error) {
      throw fromKafkaError(error, `joining group "${this.#settings.group}"`);
    }
    const endWatch = watchForSetBack(systemClock, heartbeatMs(this.#settings), (stepMs) => {
      this.#rejoin(stepMs, handlers).catch((error) => this.#fail(error));
    });
    await this.#finished.promise.finally(endWatch);
  }

  seek(partition: number, offset: number): void {
    const seeks = this.#assignment?.seeks;
    seeks?.set(partition, (seeks.get(partition) ?? 0) + 1);
    this.#inGroup(() => this.#consumer.seek({ topic: this.#settings.topic, partition, offset: String(offset) }));
  }

  commit(offsets: readonly PartitionOffset[]): Promise<void> {
    return offsets.length === 0 ? Promise.resolve() : this.#commitInTurn(() => this.#commit(offsets));
  }

  /** The client resolves a commit in silence while it is out of its group; only the coordinator's answer counts. */
  async #commit(offsets: readonly PartitionOffset[]): Promise<void> {
    const { topic, group } = this.#settings;
    const acknowledgedBefore = this.#commitsAcknowledged;
    try {
      await this.#consumer.commitOffsets(
        offsets.map(({ partition, offset }) => ({ topic, partition, offset: String(offset) })),
      );
    } catch (error) {
      throw fromKafkaError(error, `committing offsets of group "${group}"`);
    }
    if (this.#commitsAcknowledged > acknowledgedBefore) return;
    const message = `offsets of group "${group}" were not committed: this member is out of its group; commit again`;
    throw new FruitstreamError("broker-unavailable", message);
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#consumer.disconnect().finally(() => this.#finished.resolve());
    return this.#stopping;
  }

  async #join(handlers: ConsumerHandlers): Promise<void> {
    await this.#consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: PARTITIONS_AT_ONCE_MAX,
      eachBatch: (payload) => this.#onBatch(payload, handlers),
    });
    // A stop while the client was still joining has found nothing to stop.
    if (this.#stopping !== undefined) await this.#consumer.disconnect();
  }

  /**
   * The client times its heartbeats by the machine's clock: set back by an hour, it would send none for an hour, and
   * never learn that the group has put it out. A new membership begins its timing afresh.
   */
  async #rejoin(stepMs: number, handlers: ConsumerHandlers): Promise<void> {
    if (this.#stopping !== undefined) return;
    this.#assignment = undefined;
    const message = `the clock of this machine was set back by ${stepMs} ms; rejoining the group`;
    this.#logger.warn({ event: "clock_set_back", group: this.#settings.group, stepMs }, message);
    handlers.interrupted?.(new FruitstreamError("broker-unavailable", message));
    await this.#consumer.stop();
    if (this.#stopping === undefined) await this.#join(handlers);
  }

  #onJoin(event: ConsumerGroupJoinEvent["payload"], handlers: ConsumerHandlers): void {
    const partitions = event.memberAssignment[this.#settings.topic] ?? [];
    this.#noteMember(event.memberId);
    this.#logger.info({ event: "partitions_assigned", group: this.#settings.group, partitions }, "partitions assigned");
    const ready = handlers.assigned(partitions).then((starts) => {
      // An assignment that was overtaken must not move the newer one's positions.
      if (this.#assignment !== assignment) return;
      for (const [partition, offset] of starts) this.seek(partition, offset);
    });
    const assignment: Assignment = { ready, seeks: new Map() };
    this.#assignment = assignment;
    // What an earlier assignment has set aside is not set aside in this one.
    this.#inGroup(() => this.#consumer.resume([{ topic: this.#settings.topic, partitions }]));
    ready.catch((error) => this.#fail(error));
  }

  /** A member that was at work until now keeps its id, unless the group has put it out meanwhile. */
  #noteMember(memberId: string): void {
    if (this.#assignment && this.#memberId !== memberId) {
      const { group, sessionMsMax } = this.#settings;
      const message = "this member was fenced: its partitions had been given to others; it has rejoined the group";
      this.#logger.warn({ event: "member_fenced", group, sessionMsMax }, message);
    }
    this.#memberId = memberId;
  }

  #onCrash({ error, restart }: ConsumerCrashEvent["payload"], handlers: ConsumerHandlers): void {
    // What was handed over may go to another member while this one is away.
    this.#assignment = undefined;
    const failure = fromKafkaError(error, `consuming "${this.#settings.topic}"`);
    if (!restart && fateOf(failure) !== "retry") {
      this.#fail(failure);
      return;
    }
    this.#logger.warn({ event: "group_lost", err: error, group: this.#settings.group }, "lost the group; rejoining");
    handlers.interrupted?.(error);
    if (!restart) this.#joinLater(handlers).catch((cause) => this.#fail(cause));
  }

  /** The client gives up on some failures that pass, a group whose coordinator is not found at the moment among them. */
  async #joinLater(handlers: ConsumerHandlers): Promise<void> {
    await systemClock.sleep(REJOIN_WAIT_MS);
    if (this.#stopping === undefined) await this.#join(handlers);
  }

  /** Between a crash of the client and its restart there is no group to act on; the next join starts from scratch. */
  #inGroup(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#logger.debug({ event: "not_in_group", err: error }, "not in the group at the moment");
    }
  }

  /** Ends `run` with the error. The member leaves its group without waiting for anything in flight. */
  #fail(error: unknown): void {
    this.#finished.reject(error);
    // What leaving the group may throw says less than the error that made us leave.
    this.stop().catch(() => undefined);
  }

  async #onBatch(payload: EachBatchPayload, handlers: ConsumerHandlers): Promise<void> {
    const assignment = this.#assignment;
    if (!assignment) return;
    const handled = this.#handOver(payload, handlers, assignment).catch((error) => this.#fail(error));
    if (await settlesWithin(handled, IN_HAND_MS_MAX)) return;

    // Backpressure: the partition is fetched no more until its records are accepted, while the client goes on with the
    // others and with the heartbeats that keep the membership.
    const paused = [{ topic: payload.batch.topic, partitions: [payload.batch.partition] }];
    this.#inGroup(() => this.#consumer.pause(paused));
    void handled.then(() => {
      if (assignment === this.#assignment) this.#inGroup(() => this.#consumer.resume(paused));
    });
  }

  /** Records that are stale by now are neither delivered nor resolved, so that the client fetches anew. */
  async #handOver(payload: EachBatchPayload, handlers: ConsumerHandlers, assignment: Assignment): Promise<void> {
    const { batch } = payload;
    const seeks = assignment.seeks.get(batch.partition);
    const isCurrent = () =>
      assignment === this.#assignment && seeks === assignment.seeks.get(batch.partition) && !this.#stopping;

    await assignment.ready;
    if (!isCurrent()) return;
    const records = batch.messages.map((message) => toLogRecord(batch.topic, batch.partition, message));
    // Whatever is missing between the offset that was asked for and the last one is missing for good.
    let next = safeOffset(
      (batch as typeof batch & { readonly fetchedOffset: string | number }).fetchedOffset.toString(),
    );
    for (const run of runsOf(records)) {
      if (run[0]!.offset > next) handlers.skipped?.(batch.partition, next, run[0]!.offset);
      await handlers.records(batch.partition, run);
      if (!isCurrent()) return;
      next = run.at(-1)!.offset + 1;
    }
    payload.resolveOffset(batch.lastOffset());
    const end = safeOffset(batch.lastOffset()) + 1;
    if (end > next) handlers.skipped?.(batch.partition, next, end);
  }
}

/** The records in runs of consecutive offsets. */
function* runsOf(records: readonly LogRecord[]): Generator<LogRecord[]> {
  let start = 0;
  for (let index = 1; index <= records.length; index++) {
    if (records[index]?.offset === records[index - 1]!.offset + 1) continue;
    yield records.slice(start, index);
    start = index;
  }
}

async function settlesWithin(work: Promise<unknown>, delayMs: number): Promise<boolean> {
  const { promise: tick, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), delayMs);
  return Promise.race([work.then(() => true), tick]).finally(() => clearTimeout(timer));
}

/** A third of the session, as Kafka's documentation advises, but often enough that a rebalance is noticed soon. */
function heartbeatMs({ sessionMsMax }: ConsumerSettings): number {
  return Math.min(1_000, Math.floor(sessionMsMax / 3));
}
