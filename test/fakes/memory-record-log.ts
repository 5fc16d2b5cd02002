import type {
  ConsumerHandlers,
  LogAdmin,
  LogRecord,
  NewRecord,
  PartitionOffset,
  PositionedProducer,
  RecordConsumer,
} from "../../lib/kafka/record-log.ts";
import { FruitstreamError } from "../../lib/runtime/errors.ts";
import { partitionOfKey } from "./murmur2.ts";

/**
 * A partitioned log in memory, with groups whose partitions are shared out among their members, round robin, whenever
 * one joins or leaves. Passes the same contract suite as Kafka.
 */
export class MemoryRecordLog implements PositionedProducer, LogAdmin {
  readonly #topics = new Map<string, LogRecord[][]>();
  readonly #appendedAtMs = new WeakMap<LogRecord, number>();
  readonly #committed = new Map<string, Map<number, number>>();
  readonly #groups = new Map<string, MemoryConsumer[]>();
  readonly #appended = new Set<() => void>();
  #appendFailures = 0;

  /** The next appends fail with broker-unavailable, and append nothing. */
  failAppends(times: number): void {
    this.#appendFailures = times;
  }

  /** What a topic's partition holds, in offset order. */
  recordsOf(topic: string, partition: number): readonly LogRecord[] {
    return this.#partitionsOf(topic)[partition] ?? [];
  }

  /** Every record of a topic, partition after partition. */
  allRecordsOf(topic: string): readonly LogRecord[] {
    return this.#partitionsOf(topic).flat();
  }

  async append(topic: string, records: readonly NewRecord[]): Promise<void> {
    await this.#append(topic, records);
  }

  async appendOne(topic: string, record: NewRecord): Promise<PartitionOffset | undefined> {
    const [appended] = await this.#append(topic, [record]);
    return appended && { partition: appended.partition, offset: appended.offset };
  }

  async #append(topic: string, records: readonly NewRecord[]): Promise<LogRecord[]> {
    // Appending takes a turn of the event loop, as any broker's answer does.
    await new Promise(setImmediate);
    if (this.#appendFailures > 0) {
      this.#appendFailures -= 1;
      throw new FruitstreamError("broker-unavailable", `appending to "${topic}" fails as the test asked`);
    }
    const partitions = this.#partitionsOf(topic);
    const appended: LogRecord[] = [];
    for (const { partition = -1, key, value } of records) {
      const index = partition >= 0 ? partition : key ? partitionOfKey(key, partitions.length) : 0;
      const place = partitions[index];
      if (!place) throw new FruitstreamError("broker-unavailable", `"${topic}" has no partition ${index}`);
      const record = { topic, partition: index, offset: place.length, key, value };
      this.#appendedAtMs.set(record, Date.now());
      place.push(record);
      appended.push(record);
    }
    for (const wake of this.#appended) wake();
    return appended;
  }

  async ensureTopics(topics: readonly { topic: string; partitions: number }[]): Promise<void> {
    for (const { topic, partitions } of topics) {
      if (!this.#topics.has(topic))
        this.#topics.set(
          topic,
          Array.from({ length: partitions }, () => []),
        );
    }
  }

  async partitionCount(topic: string): Promise<number | undefined> {
    return this.#topics.get(topic)?.length;
  }

  async endOffsets(topic: string): Promise<PartitionOffset[]> {
    return this.#partitionsOf(topic).map((records, partition) => ({ partition, offset: records.length }));
  }

  async earliestOffsets(topic: string): Promise<PartitionOffset[]> {
    return this.#partitionsOf(topic).map((_, partition) => ({ partition, offset: 0 }));
  }

  async offsetsAtTime(topic: string, timeMs: number): Promise<PartitionOffset[]> {
    return this.#partitionsOf(topic).map((records, partition) => {
      const first = records.findIndex((record) => this.#appendedAtMs.get(record)! >= timeMs);
      return { partition, offset: first === -1 ? records.length : first };
    });
  }

  async commitOffsets(group: string, topic: string, offsets: readonly PartitionOffset[]): Promise<void> {
    if (this.#groups.get(JSON.stringify([group, topic]))?.length) {
      throw new FruitstreamError("usage", `group "${group}" has members`);
    }
    for (const { partition, offset } of offsets) this.#committedOf(group, topic).set(partition, offset);
  }

  async committedOffsets(group: string, topic: string): Promise<PartitionOffset[]> {
    const committed = this.#committedOf(group, topic);
    return [...committed].sort(([a], [b]) => a - b).map(([partition, offset]) => ({ partition, offset }));
  }

  async close(): Promise<void> {}

  /** A member of a group, on one topic. */
  consumer(group: string, topic: string): RecordConsumer {
    const name = JSON.stringify([group, topic]);
    const members = this.#groups.get(name) ?? [];
    this.#groups.set(name, members);
    const share = () => {
      const partitions = this.#partitionsOf(topic).map((_, partition) => partition);
      for (const [place, member] of members.entries()) {
        member.assign(partitions.filter((partition) => partition % members.length === place));
      }
    };
    return new MemoryConsumer({
      read: (partition, offset) => this.recordsOf(topic, partition).slice(offset, offset + BATCH_RECORDS_MAX),
      committed: this.#committedOf(group, topic),
      onAppend: (wake) => this.#appended.add(wake),
      offAppend: (wake) => this.#appended.delete(wake),
      join: (member) => {
        members.push(member);
        share();
      },
      leave: (member) => {
        members.splice(members.indexOf(member), 1);
        share();
      },
    });
  }

  #partitionsOf(topic: string): LogRecord[][] {
    const partitions = this.#topics.get(topic);
    if (!partitions) throw new FruitstreamError("broker-unavailable", `there is no topic "${topic}"`);
    return partitions;
  }

  #committedOf(group: string, topic: string): Map<number, number> {
    const name = JSON.stringify([group, topic]);
    const committed = this.#committed.get(name) ?? new Map<number, number>();
    this.#committed.set(name, committed);
    return committed;
  }
}

/** Small, so that tests see several batches. */
const BATCH_RECORDS_MAX = 10;

/** What a member needs of its log and group. */
interface Membership {
  read(partition: number, offset: number): readonly LogRecord[];
  readonly committed: Map<number, number>;
  onAppend(wake: () => void): void;
  offAppend(wake: () => void): void;
  join(member: MemoryConsumer): void;
  leave(member: MemoryConsumer): void;
}

/** One owned partition: where to read on, and whether a handler has its records in hand. */
interface OwnedPartition {
  position: number;
  busy: boolean;
}

class MemoryConsumer implements RecordConsumer {
  readonly #membership: Membership;
  readonly #finished = Promise.withResolvers<void>();
  readonly #wake = () => this.#deliverAll();
  #handlers: ConsumerHandlers | undefined;
  #owned = new Map<number, OwnedPartition>();
  #stopped = false;

  constructor(membership: Membership) {
    this.#membership = membership;
  }

  async run(handlers: ConsumerHandlers): Promise<void> {
    if (this.#stopped) return;
    this.#handlers = handlers;
    this.#membership.onAppend(this.#wake);
    this.#membership.join(this);
    await this.#finished.promise;
  }

  /** Takes these partitions in place of those owned before. */
  assign(partitions: readonly number[]): void {
    const owned = new Map<number, OwnedPartition>();
    this.#owned = owned;
    const ready = this.#handlers!.assigned(partitions).then((starts) => {
      if (this.#owned !== owned) return;
      for (const partition of partitions) {
        const position = starts.get(partition) ?? this.#membership.committed.get(partition) ?? 0;
        owned.set(partition, { position, busy: false });
      }
      this.#deliverAll();
    });
    ready.catch((error) => this.#fail(error));
  }

  seek(partition: number, offset: number): void {
    const place = this.#owned.get(partition);
    if (!place) return;
    this.#owned.set(partition, { position: offset, busy: place.busy });
    this.#deliverAll();
  }

  async commit(offsets: readonly PartitionOffset[]): Promise<void> {
    if (!this.#handlers || this.#stopped) {
      throw new FruitstreamError("broker-unavailable", "this member is not in its group; join it first");
    }
    for (const { partition, offset } of offsets) this.#membership.committed.set(partition, offset);
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#owned = new Map();
    this.#membership.offAppend(this.#wake);
    if (this.#handlers) this.#membership.leave(this);
    this.#finished.resolve();
  }

  #deliverAll(): void {
    for (const [partition, place] of this.#owned) {
      if (!place.busy) void this.#deliver(partition, place);
    }
  }

  /** Hands over what the partition has from its position on, batch by batch, until there is no more. */
  async #deliver(partition: number, place: OwnedPartition): Promise<void> {
    const owned = this.#owned;
    place.busy = true;
    let current = place;
    for (;;) {
      const records = this.#membership.read(partition, current.position);
      if (records.length === 0) break;
      try {
        await this.#handlers!.records(partition, records);
      } catch (error) {
        this.#fail(error);
        return;
      }
      if (this.#owned !== owned) return;
      const after = owned.get(partition)!;
      // A seek while the records were in hand has put another place here; its position stands.
      if (after === current) after.position += records.length;
      current = after;
    }
    current.busy = false;
  }

  #fail(error: unknown): void {
    this.#finished.reject(error);
    void this.stop();
  }
}
