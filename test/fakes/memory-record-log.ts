import { randomUUID } from "node:crypto";
import { LogGroup } from "#lib/log/folder/log-group.ts";
import { partitionOfKey } from "#lib/log/key-partition.ts";
import { requireFewer } from "#lib/log/partition-offsets.ts";
import type {
  LogAdmin,
  LogRecord,
  NewRecord,
  PartitionOffset,
  PositionedProducer,
  RecordConsumer,
  TopicSafety,
} from "#lib/log/record-log.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";

/**
 * A partitioned log in memory, with groups whose partitions are shared out among their members, round robin, whenever
 * one joins or leaves. Passes the same contract suite as Kafka.
 */
export class MemoryRecordLog implements PositionedProducer, LogAdmin {
  readonly #topics = new Map<string, LogRecord[][]>();
  readonly #ids = new Map<string, string>();
  readonly #appendedAtMs = new WeakMap<LogRecord, number>();
  readonly #committed = new Map<string, Map<number, number>>();
  readonly #groups = new Map<string, LogGroup>();
  /** By topic and partition, where records were deleted. */
  readonly #firstOffsets = new Map<string, number>();
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
    const first = ({ partition }: LogRecord) => this.#firstOffsets.get(`${topic}/${partition}`) ?? 0;
    return this.#partitionsOf(topic)
      .flat()
      .filter((record) => record.offset >= first(record));
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
    for (const group of this.#groups.values()) group.wake();
    return appended;
  }

  async ensureTopics(topics: readonly { topic: string; partitions: number }[]): Promise<void> {
    for (const { topic, partitions } of topics) {
      if (!this.#topics.has(topic)) this.recreate(topic, partitions);
    }
  }

  /** What a test says of the topics' safety. */
  safety: readonly TopicSafety[] = [];

  async topicSafety(topics: readonly string[]): Promise<TopicSafety[]> {
    return this.safety.filter(({ topic }) => topics.includes(topic));
  }

  async partitionCount(topic: string): Promise<number | undefined> {
    return this.#topics.get(topic)?.length;
  }

  async topicIds(topics: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const ids = topics.map((topic) => [topic, this.#ids.get(topic)] as const);
    return new Map(ids.filter((entry): entry is [string, string] => entry[1] !== undefined));
  }

  /** Deletes a topic and creates one of the same name; groups' offsets on it are gone. */
  recreate(topic: string, partitions: number): void {
    this.#topics.set(topic, emptyPartitions(partitions));
    this.#ids.set(topic, randomUUID());
    for (const [name, committed] of this.#committed) if (JSON.parse(name)[1] === topic) committed.clear();
  }

  async addPartitions(topic: string, count: number): Promise<void> {
    const partitions = this.#partitionsOf(topic);
    requireFewer(topic, partitions.length, count);
    partitions.push(...emptyPartitions(count - partitions.length));
    for (const [name, group] of this.#groups) if (JSON.parse(name)[1] === topic) group.share();
  }

  async memberCount(group: string): Promise<number> {
    const counts = [...this.#groups].filter(([name]) => JSON.parse(name)[0] === group);
    return counts.reduce((sum, [, { memberCount }]) => sum + memberCount, 0);
  }

  async endOffsets(topic: string): Promise<PartitionOffset[]> {
    return this.#partitionsOf(topic).map((records, partition) => ({ partition, offset: records.length }));
  }

  async earliestOffsets(topic: string): Promise<PartitionOffset[]> {
    return this.#partitionsOf(topic).map((_, partition) => ({
      partition,
      offset: this.#firstOffsets.get(`${topic}/${partition}`) ?? 0,
    }));
  }

  async offsetsAtTime(topic: string, timeMs: number): Promise<PartitionOffset[]> {
    return this.#partitionsOf(topic).map((records, partition) => {
      const first = records.findIndex((record) => this.#appendedAtMs.get(record)! >= timeMs);
      return { partition, offset: first === -1 ? records.length : first };
    });
  }

  async commitOffsets(group: string, topic: string, offsets: readonly PartitionOffset[]): Promise<void> {
    if (this.#groups.get(JSON.stringify([group, topic]))?.memberCount) {
      throw new FruitstreamError("usage", `group "${group}" has members`);
    }
    for (const { partition, offset } of offsets) this.#committedOf(group, topic).set(partition, offset);
  }

  async committedOffsets(group: string, topic: string): Promise<PartitionOffset[]> {
    const committed = this.#committedOf(group, topic);
    return [...committed].sort(([a], [b]) => a - b).map(([partition, offset]) => ({ partition, offset }));
  }

  async deleteBelow(topic: string, offsets: readonly PartitionOffset[]): Promise<void> {
    for (const { partition, offset } of offsets) this.#firstOffsets.set(`${topic}/${partition}`, offset);
  }

  async close(): Promise<void> {}

  async readTopic(
    topic: string,
    onRecord: (record: LogRecord) => void | Promise<void>,
    from: ReadonlyMap<number, number> = new Map(),
  ): Promise<void> {
    for (const record of this.allRecordsOf(topic)) {
      if (record.offset >= (from.get(record.partition) ?? 0)) await onRecord(record);
    }
  }

  /** A member of a group, on one topic. */
  consumer(group: string, topic: string): RecordConsumer {
    const name = JSON.stringify([group, topic]);
    const committed = this.#committedOf(group, topic);
    const joined =
      this.#groups.get(name) ??
      new LogGroup({
        partitions: () => [...this.#partitionsOf(topic).keys()],
        read: (partition, offset) => this.recordsOf(topic, partition).slice(offset, offset + BATCH_RECORDS_MAX),
        committedOffset: (partition) => committed.get(partition),
        commit: (offsets) => {
          for (const { partition, offset } of offsets) committed.set(partition, offset);
        },
      });
    this.#groups.set(name, joined);
    return joined.createMember();
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

function emptyPartitions(count: number): LogRecord[][] {
  return Array.from({ length: count }, () => []);
}

/** Small, so that tests see several batches. */
const BATCH_RECORDS_MAX = 10;
