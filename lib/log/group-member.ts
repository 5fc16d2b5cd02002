import pLimit from "p-limit";
import type { SchemaTopic } from "#lib/messages/avro/schema-topic.ts";
import type { Clock } from "#lib/runtime/clock.ts";
import type { Health } from "#lib/runtime/health.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import { waitWithin } from "#lib/runtime/wait-within.ts";
import { type StepName, WaitingRetry } from "#lib/runtime/waiting-retry.ts";
import type { PartitionWork, WorkHost } from "./partition-work.ts";
import type { ReadingEnd } from "./reading-end.ts";
import type { LogRecord, RecordConsumer } from "./record-log.ts";

export interface GroupMemberDeps {
  readonly consumer: RecordConsumer;
  /** Told of records before they are handed over, so that whoever takes them can decode them. */
  readonly schemas: Pick<SchemaTopic, "learn">;
  readonly clock: Clock;
  readonly health: Health;
  readonly logger: Logger;
  /** Opens the work on an assignment's partitions. Waits for other systems until `host.stopping` aborts. */
  readonly open: (partitions: readonly number[], host: WorkHost) => Promise<PartitionWork>;
  /** By partition, whoever owns it, the offset below which the group has done everything. Asked only with an end. */
  readonly doneByGroup: () => Promise<(partition: number) => number | undefined>;
  /** Called when the whole group has come to the end, before `run` resolves. */
  readonly finished: () => void;
}

export interface GroupMemberOptions {
  /** How a work is closed when the group assigns partitions anew. */
  readonly closeAtAssignment: "drain" | "drop";
  /** How often the work is ticked, and the end looked for. */
  readonly tickMs: number;
  /** How long a stop waits for the work to drain before it gives up; what is lost by that is done again. */
  readonly drainMsMax: number;
  /** Where reading ends; undefined reads for ever. */
  readonly end?: ReadingEnd | undefined;
}

interface OpenedWork {
  readonly host: WorkHost;
  readonly work: PartitionWork;
  readonly partitions: readonly number[];
  /** By partition, the next offset to be handed over; missing where nothing tells it. */
  readonly expected: Map<number, number>;
  /** By partition, what passes over offsets without records; the next records wait for it. */
  readonly passing: Map<number, Promise<void>>;
  /** Resolves when the work is closed. */
  readonly over: PromiseWithResolvers<void>;
}

/**
 * A member of a consumer group: reads the partitions that the group gives it, and opens a `PartitionWork` for each
 * assignment. It owns what does not depend on the work: when works are opened and closed, gaps in the offsets, schemas,
 * ticks, the end of reading, and draining at a stop.
 *
 * Guarantee: at most one work is open. Records reach the work that was opened for their assignment or none, and while
 * one is closed and the next is opened they reach none.
 */
export class GroupMember {
  readonly #deps: GroupMemberDeps;
  readonly #options: GroupMemberOptions;
  readonly #retry: WaitingRetry;
  readonly #stopping = new AbortController();
  readonly #givingUp = new AbortController();
  readonly #failure = Promise.withResolvers<never>();
  readonly #finished = Promise.withResolvers<void>();
  /** Works are opened one after the other. */
  readonly #inTurn = pLimit(1);
  /** The newest assignment; one that is not this array is overtaken. */
  #partitions: readonly number[] = [];
  #opened: OpenedWork | undefined;
  /** Resolves when the latest work is closed. */
  #closed: Promise<void> = Promise.resolve();
  #stopped: Promise<void> | undefined;

  constructor(deps: GroupMemberDeps, options: GroupMemberOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#retry = new WaitingRetry(deps);
  }

  /** Works until `stop`, or until the whole group has come to the end; throws what only an operator can mend. */
  async run(): Promise<void> {
    const { consumer, health } = this.#deps;
    const consuming = consumer.run({
      assigned: (partitions) => this.#assign(partitions),
      records: (partition, records) => this.#handOver(partition, records),
      skipped: (partition, fromOffset, nextOffset) => this.#pass(partition, fromOffset, nextOffset),
      interrupted: (error) => health.report("kafka", "waiting", error.message),
    });
    this.#tickUntilFinished().catch((error) => this.#failure.reject(error));
    await Promise.race([consuming, this.#finished.promise, this.#failure.promise]);
  }

  /** By partition that this member owns, the offset below which everything is done; 0 while that is being found out. */
  get positions(): ReadonlyMap<number, number> {
    const work = this.#opened?.work;
    return new Map(this.#partitions.map((partition) => [partition, work?.position(partition) ?? 0]));
  }

  /** Drains the work within a bounded time, or drops it, and leaves the group, whatever the work throws. Idempotent. */
  stop(how: "drain" | "drop" = "drain"): Promise<void> {
    if (how === "drop") this.#givingUp.abort(new Error("nothing that was taken is to be finished"));
    this.#stopped ??= how === "drop" ? this.#leave() : this.#drain();
    return this.#stopped;
  }

  async #leave(): Promise<void> {
    this.#stopping.abort(new Error("the service is stopping"));
    // The group waits for nothing that the work might wait for.
    await Promise.all([this.#deps.consumer.stop(), this.#close("drop")]);
  }

  async #drain(): Promise<void> {
    const { clock, consumer } = this.#deps;
    this.#stopping.abort(new Error("the service is stopping"));
    const closed = this.#close("drain");
    try {
      if (!(await waitWithin(clock, this.#options.drainMsMax, closed))) {
        this.#givingUp.abort(new Error("no time is left to finish what was taken"));
      }
      await closed;
    } finally {
      await consumer.stop();
    }
  }

  async #assign(partitions: readonly number[]): Promise<ReadonlyMap<number, number>> {
    this.#partitions = partitions;
    const closed = this.#close(this.#options.closeAtAssignment);
    const work = await this.#inTurn(async () => {
      await closed;
      return this.#open(partitions, { seek: false });
    });
    return work?.starts ?? new Map();
  }

  /** The same partitions from where they really are: another member has done some of the work. */
  async #openAnew(): Promise<void> {
    const partitions = this.#partitions;
    const closed = this.#close("drop");
    await this.#inTurn(async () => {
      await closed;
      await this.#open(partitions, { seek: true });
    });
  }

  /** From now on nothing reaches the work. Resolves when it is closed. */
  #close(how: "drain" | "drop"): Promise<void> {
    const opened = this.#opened;
    if (!opened) return this.#closed;
    this.#opened = undefined;
    const closed = opened.work.close(how).finally(opened.over.resolve);
    // Its error is for the caller alone, who may wait for a turn first.
    this.#closed = closed.catch(() => undefined);
    return closed;
  }

  /** Undefined when it has come too late: the member stops, or the group has assigned partitions anew. */
  async #open(partitions: readonly number[], { seek }: { seek: boolean }): Promise<PartitionWork | undefined> {
    const host: WorkHost = {
      stopping: this.#stopping.signal,
      givingUp: this.#givingUp.signal,
      failed: (error) => this.#failure.reject(error),
      fenced: () => {
        if (this.#opened?.host === host) this.#openAnew().catch((error) => this.#failure.reject(error));
      },
    };
    const work = await this.#unlessStopping(() => this.#deps.open(partitions, host));
    if (!work) return undefined;
    if (this.#stopping.signal.aborted || this.#partitions !== partitions) {
      await work.close("drop");
      return undefined;
    }
    // In one step with the opening: what was handed over before the seeks must not reach this work.
    if (seek) for (const [partition, offset] of work.starts) this.#deps.consumer.seek(partition, offset);
    const expected = new Map(work.starts);
    this.#opened = { host, work, partitions, expected, passing: new Map(), over: Promise.withResolvers() };
    this.#deps.health.report("kafka", "ok");
    return work;
  }

  async #handOver(partition: number, records: readonly LogRecord[]): Promise<void> {
    const opened = this.#opened;
    // While a work is being opened records are of the time before its start was known, and will be read again.
    if (!opened?.partitions.includes(partition)) return this.#untilOpened();
    await Promise.all([opened.passing.get(partition), this.#learnSchemas(records)]);
    if (opened !== this.#opened) return this.#untilOpened();

    const { work } = opened;
    const end = this.#options.end?.of(partition) ?? Number.POSITIVE_INFINITY;
    const isAtEnd = records.at(-1)!.offset + 1 >= end;
    const wanted = isAtEnd ? records.filter(({ offset }) => offset < end) : records;
    this.#noteGaps(opened, partition, wanted);
    if (wanted.length > 0) await work.take(partition, wanted);
    if (isAtEnd && opened === this.#opened) {
      const isCutShort = (opened.expected.get(partition) ?? end) < end;
      if (isCutShort) this.#noteGaps(opened, partition, [{ ...records[0]!, offset: end }]);
      await work.finish(partition, end);
      // Not resolving keeps the partition from being fetched beyond its end.
      await opened.over.promise;
    }
    if (opened !== this.#opened) await this.#untilOpened();
  }

  /** What lies between is none of the records that are gone, unless those before it are gone too. */
  #pass(partition: number, fromOffset: number, nextOffset: number): void {
    const opened = this.#opened;
    if (!opened?.partitions.includes(partition)) return;
    const { work, expected, passing } = opened;
    const next = expected.get(partition) ?? fromOffset;
    if (fromOffset > next || nextOffset <= next) return;
    const end = this.#options.end?.of(partition) ?? Number.POSITIVE_INFINITY;
    expected.set(partition, Math.min(nextOffset, end));
    const before = passing.get(partition) ?? Promise.resolve();
    const passed = before.then(() =>
      nextOffset < end ? work.pass(partition, nextOffset) : work.finish(partition, end),
    );
    passing.set(partition, passed);
    passed.catch((error) => this.#failure.reject(error));
  }

  async #untilOpened(): Promise<void> {
    await this.#inTurn(() => undefined);
  }

  async #learnSchemas(records: readonly LogRecord[]): Promise<void> {
    const attempt = () => this.#deps.schemas.learn(records.map(({ value }) => value));
    await this.#askKafka("schemas", attempt);
  }

  /** Kafka forgets records after the topic's retention; whoever was away for longer must be told what is gone. */
  #noteGaps({ expected }: OpenedWork, partition: number, records: readonly LogRecord[]): void {
    for (const { topic, offset } of records) {
      const next = expected.get(partition) ?? offset;
      expected.set(partition, offset + 1);
      if (offset === next) continue;
      const isGone = offset > next;
      const gap = { event: isGone ? "records_missing" : "offsets_restarted", partition, expected: next, offset };
      const problem = isGone
        ? `${offset - next} records of "${topic}" are gone; raise the topic's retention`
        : `"${topic}" starts again at an earlier offset; was it deleted and created again?`;
      this.#deps.logger.error(gap, problem);
    }
  }

  async #tickUntilFinished(): Promise<void> {
    const { clock } = this.#deps;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await clock.sleep(this.#options.tickMs, signal).catch(() => undefined);
      await this.#opened?.work.tick();
      if (!(await this.#isFinished())) continue;
      this.#deps.finished();
      return this.#finished.resolve();
    }
  }

  /** Whether the whole group has come to the end: what others own may be reassigned to this member. */
  async #isFinished(): Promise<boolean> {
    const { end } = this.#options;
    if (!end) return false;
    const isReached = async () => end.isReached(await this.#deps.doneByGroup());
    return (await this.#askKafka("reading-end", isReached)) ?? false;
  }

  /** Undefined when the member is being stopped. */
  #askKafka<Answer>(name: StepName, attempt: () => Promise<Answer>): Promise<Answer | undefined> {
    const { signal } = this.#stopping;
    return this.#unlessStopping(() => this.#retry.run({ part: "kafka", name, signal, attempt }));
  }

  async #unlessStopping<Result>(step: () => Promise<Result>): Promise<Result | undefined> {
    if (this.#stopping.signal.aborted) return undefined;
    try {
      return await step();
    } catch (error) {
      if (this.#stopping.signal.aborted) return undefined;
      throw error;
    }
  }
}
