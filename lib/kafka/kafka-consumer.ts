import type { Consumer, ConsumerCrashEvent, ConsumerGroupJoinEvent, EachBatchPayload, KafkaMessage } from "kafkajs";
import type { Logger } from "../runtime/logger.ts";
import { safeOffset } from "./kafka-admin.ts";
import { createKafka, fromKafkaError, type KafkaSettings, RETRY } from "./kafka-client.ts";
import type { ConsumerHandlers, LogRecord, PartitionOffset, RecordConsumer } from "./record-log.ts";

export interface ConsumerSettings extends KafkaSettings {
  readonly group: string;
  readonly topic: string;
  /** After so long without a heartbeat the group gives the member's partitions to others. */
  readonly sessionMsMax: number;
}

/** How long a fetch waits for records: the latency of an idle topic's next record is far below it, since any byte ends it. */
const FETCH_WAIT_MS_MAX = 500;
/** Records of one partition in one fetch; with every partition's share it bounds what the client holds. */
const FETCH_PARTITION_BYTES_MAX = 1_048_576;
/** More partitions than a member will own: each is handed over on its own, whatever the others wait for. */
const PARTITIONS_AT_ONCE_MAX = 256;

/** A member of a consumer group over kafkajs. Nothing is committed but what `commit` is given. */
export function createConsumer(settings: ConsumerSettings, logger: Logger): RecordConsumer {
  return new KafkaConsumer(settings, logger);
}

/** What the member owns since a join. A later join makes it stale. */
interface Assignment {
  /** Resolves once the owner has said where each partition starts, and the seeks are made. */
  readonly ready: Promise<void>;
}

class KafkaConsumer implements RecordConsumer {
  readonly #settings: ConsumerSettings;
  readonly #logger: Logger;
  readonly #consumer: Consumer;
  readonly #finished = Promise.withResolvers<void>();
  readonly #stopRequested = Promise.withResolvers<true>();
  #assignment: Assignment | undefined;
  #stopping: Promise<void> | undefined;

  constructor(settings: ConsumerSettings, logger: Logger) {
    this.#settings = settings;
    this.#logger = logger;
    this.#consumer = createKafka(settings, logger).consumer({
      groupId: settings.group,
      sessionTimeout: settings.sessionMsMax,
      rebalanceTimeout: settings.sessionMsMax,
      heartbeatInterval: heartbeatMs(settings),
      allowAutoTopicCreation: false,
      maxWaitTimeInMs: FETCH_WAIT_MS_MAX,
      maxBytesPerPartition: FETCH_PARTITION_BYTES_MAX,
      retry: { ...RETRY, restartOnFailure: async () => this.#stopping === undefined },
    });
  }

  async run(handlers: ConsumerHandlers): Promise<void> {
    const { events } = this.#consumer;
    this.#consumer.on(events.GROUP_JOIN, ({ payload }) => this.#onJoin(payload, handlers));
    this.#consumer.on(events.CRASH, ({ payload }) => this.#onCrash(payload));
    try {
      await this.#consumer.connect();
      await this.#consumer.subscribe({ topic: this.#settings.topic, fromBeginning: true });
      await this.#consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: PARTITIONS_AT_ONCE_MAX,
        eachBatch: (payload) => this.#onBatch(payload, handlers),
      });
    } catch (error) {
      throw fromKafkaError(error, `joining group "${this.#settings.group}"`);
    }
    await this.#finished.promise;
  }

  seek(partition: number, offset: number): void {
    this.#consumer.seek({ topic: this.#settings.topic, partition, offset: String(offset) });
  }

  async commit(offsets: readonly PartitionOffset[]): Promise<void> {
    const { topic, group } = this.#settings;
    try {
      await this.#consumer.commitOffsets(
        offsets.map(({ partition, offset }) => ({ topic, partition, offset: String(offset) })),
      );
    } catch (error) {
      throw fromKafkaError(error, `committing offsets of group "${group}"`);
    }
  }

  stop(): Promise<void> {
    this.#stopRequested.resolve(true);
    this.#stopping ??= this.#consumer.disconnect().finally(() => this.#finished.resolve());
    return this.#stopping;
  }

  #onJoin(event: ConsumerGroupJoinEvent["payload"], handlers: ConsumerHandlers): void {
    const partitions = event.memberAssignment[this.#settings.topic] ?? [];
    this.#logger.info({ group: this.#settings.group, partitions }, "partitions assigned");
    const ready = handlers.assigned(partitions).then((starts) => {
      // An assignment that was overtaken must not move the newer one's positions.
      if (this.#assignment !== assignment) return;
      for (const [partition, offset] of starts) this.seek(partition, offset);
    });
    const assignment: Assignment = { ready };
    this.#assignment = assignment;
    ready.catch((error) => this.#fail(error));
  }

  #onCrash({ error, restart }: ConsumerCrashEvent["payload"]): void {
    if (!restart) this.#fail(fromKafkaError(error, `consuming "${this.#settings.topic}"`));
  }

  /** Ends `run` with the error. The member leaves its group without waiting for anything in flight. */
  #fail(error: unknown): void {
    this.#finished.reject(error);
    void this.stop();
  }

  async #onBatch(payload: EachBatchPayload, handlers: ConsumerHandlers): Promise<void> {
    const assignment = this.#assignment;
    if (!assignment) return;
    await this.#aliveWhile(assignment.ready, payload);
    // Fetched before a seek or for an older assignment: leaving it unresolved makes the client fetch anew.
    if (payload.isStale() || assignment !== this.#assignment || this.#stopping) return;

    const { batch } = payload;
    const records = batch.messages.map((message) => toLogRecord(batch.topic, batch.partition, message));
    const handled = handlers.records(batch.partition, records).catch((error) => this.#fail(error));
    await this.#aliveWhile(handled, payload);
    if (payload.isStale() || assignment !== this.#assignment || this.#stopping) return;
    payload.resolveOffset(batch.lastOffset());
  }

  /** Waits for the work with heartbeats, so that backpressure never costs the membership. Throws when the group rebalances. */
  async #aliveWhile(work: Promise<unknown>, payload: EachBatchPayload): Promise<void> {
    const done = work.then(() => true);
    for (;;) {
      const { promise: tick, resolve } = Promise.withResolvers<false>();
      const timer = setTimeout(() => resolve(false), heartbeatMs(this.#settings));
      const over = await Promise.race([done, this.#stopRequested.promise, tick]).finally(() => clearTimeout(timer));
      if (over) return;
      await payload.heartbeat();
    }
  }
}

/** A third of the session, as Kafka's documentation advises, but often enough that a rebalance is noticed soon. */
function heartbeatMs({ sessionMsMax }: ConsumerSettings): number {
  return Math.min(1_000, Math.floor(sessionMsMax / 3));
}

function toLogRecord(topic: string, partition: number, { offset, key, value }: KafkaMessage): LogRecord {
  return { topic, partition, offset: safeOffset(offset), key, value };
}
