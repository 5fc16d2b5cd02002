import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import type { Clock } from "#lib/runtime/clock.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { partitionOfKey } from "../key-partition.ts";
import { requireFewer } from "../partition-offsets.ts";
import type {
  LogAdmin,
  LogRecord,
  Membership,
  NewRecord,
  PartitionOffset,
  PositionedProducer,
  RecordConsumer,
  RecordLog,
} from "../record-log.ts";
import { LogGroup } from "./log-group.ts";
import { type ReadBounds, RecordDatabase } from "./record-database.ts";

/** A consumer's share of one hand-over: what is in memory for each partition. */
const READ_BOUNDS: ReadBounds = { recordsMax: 100, bytesMax: 1_048_576 };

/**
 * A record log in a folder of this machine, for one process at a time: topics, groups and offsets as Kafka has them,
 * with every append on the disk when it resolves. Its calls block the thread for as long as SQLite takes, a few
 * milliseconds for a hundred vectors and the disk's own time for each append.
 */
export class FolderRecordLog implements RecordLog {
  readonly #database: RecordDatabase;
  readonly #clock: Clock;
  readonly #groups = new Map<string, Map<string, LogGroup>>();

  private constructor(database: RecordDatabase, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  /** Opens the folder's log, and creates it when it is not there. @throws as `RecordDatabase` does. */
  static async open(folder: string, clock: Clock): Promise<FolderRecordLog> {
    await mkdir(folder, { recursive: true }).catch((cause) => {
      throw new FruitstreamError("access-denied", `${folder} can't be made: ${cause.message}`, { cause });
    });
    return new FolderRecordLog(new RecordDatabase(join(folder, "records.sqlite")), clock);
  }

  async openAdmin(): Promise<LogAdmin> {
    const database = this.#database;
    return {
      ensureTopics: async (topics) => {
        for (const { topic, partitions } of topics) {
          if (database.spansOf(topic).length === 0) database.createPartitions(topic, 0, partitions);
        }
      },
      topicSafety: async () => [],
      partitionCount: async (topic) => database.spansOf(topic).length || undefined,
      // A topic is not deleted but with its folder.
      topicIds: async (topics) =>
        new Map(topics.filter((topic) => database.spansOf(topic).length > 0).map((topic) => [topic, database.id])),
      addPartitions: async (topic, count) => {
        const partitions = this.#requireTopic(topic).length;
        requireFewer(topic, partitions, count);
        database.createPartitions(topic, partitions, count);
        for (const group of this.#groups.get(topic)?.values() ?? []) group.share();
      },
      memberCount: async (group) =>
        Array.from(this.#groups.values(), (groups) => groups.get(group)?.memberCount ?? 0).reduce(
          (sum, count) => sum + count,
          0,
        ),
      endOffsets: async (topic) =>
        this.#requireTopic(topic).map(({ partition, next }) => ({ partition, offset: next })),
      earliestOffsets: async (topic) =>
        this.#requireTopic(topic).map(({ partition, first }) => ({ partition, offset: first })),
      offsetsAtTime: async (topic, timeMs) =>
        this.#requireTopic(topic).map(({ partition, next }) => ({
          partition,
          offset: database.offsetAtTime(topic, partition, timeMs) ?? next,
        })),
      committedOffsets: async (group, topic) => database.committedOffsets(group, topic),
      commitOffsets: async (group, topic, offsets) => {
        if (this.#groups.get(topic)?.get(group)?.memberCount) {
          const message = `consumer group "${group}" has members at work; wait until they are done, or stop them`;
          throw new FruitstreamError("usage", message);
        }
        database.commitOffsets(group, topic, offsets);
      },
      deleteBelow: async (topic, offsets) => this.removeBelow(topic, offsets),
      close: async () => {},
    };
  }

  async openProducer(): Promise<PositionedProducer> {
    return {
      append: async (topic, records) => void (await this.#append(topic, records)),
      appendOne: async (topic, record) => (await this.#append(topic, [record]))[0],
      close: async () => {},
    };
  }

  createConsumer({ group, topic }: Pick<Membership, "group" | "topic">): RecordConsumer {
    return this.#groupOf(group, topic).createMember();
  }

  /** Every record that the topic holds when the call begins, partition by partition in order. */
  async readTopic(
    topic: string,
    onRecord: (record: LogRecord) => void | Promise<void>,
    from: ReadonlyMap<number, number> = new Map(),
  ): Promise<void> {
    for (const { partition, first, next } of this.#requireTopic(topic)) {
      for (let offset = Math.max(first, from.get(partition) ?? 0); offset < next; ) {
        const records = this.#database.read(topic, partition, offset, READ_BOUNDS);
        // What came last may have been erased.
        if (records.length === 0) break;
        for (const record of records) {
          offset = record.offset + 1;
          if (record.offset < next) await onRecord(record);
        }
      }
    }
  }

  /** The names of all topics, in their order. */
  topics(): string[] {
    return this.#database.topics();
  }

  /** The topic's records that have this key, found without reading the others. */
  recordsWithKey(topic: string, key: Uint8Array): LogRecord[] {
    return this.#database.recordsWithKey(topic, key);
  }

  /** Gives up the records below these offsets. The offsets of later ones stay what they are. */
  removeBelow(topic: string, offsets: readonly PartitionOffset[]): void {
    this.#database.removeBelow(topic, offsets);
  }

  /** Removes single records, and all that is left of those removed before. Others keep their offsets; readers pass over gaps. */
  erase(topic: string, positions: readonly PartitionOffset[]): void {
    this.#database.erase(topic, positions);
  }

  /** How many records the topic holds. */
  countOf(topic: string): number {
    return this.#database.countOf(topic);
  }

  /** Lets others open the folder. Every consumer must have been stopped. */
  close(): void {
    this.#database.close();
  }

  async #append(topic: string, records: readonly NewRecord[]): Promise<PartitionOffset[]> {
    // The disk's time is the same for many records as for one: whoever gathers them has a turn to do so.
    await setImmediate();
    const partitions = this.#requireTopic(topic).length;
    const placed = records.map((record) => ({
      ...record,
      partition: record.partition ?? (record.key ? partitionOfKey(record.key, partitions) : 0),
    }));
    const offsets = this.#database.append(topic, placed, this.#clock.nowMs());
    for (const group of this.#groups.get(topic)?.values() ?? []) group.wake();
    return offsets;
  }

  #requireTopic(topic: string) {
    const spans = this.#database.spansOf(topic);
    if (spans.length === 0) throw new FruitstreamError("invalid-config", `there is no topic "${topic}"`);
    return spans;
  }

  #groupOf(group: string, topic: string): LogGroup {
    const groups = this.#groups.get(topic) ?? new Map<string, LogGroup>();
    this.#groups.set(topic, groups);
    const known = groups.get(group);
    if (known) return known;
    const database = this.#database;
    const created = new LogGroup({
      partitions: () => this.#requireTopic(topic).map(({ partition }) => partition),
      read: (partition, offset) => database.read(topic, partition, offset, READ_BOUNDS),
      committedOffset: (partition) =>
        database.committedOffsets(group, topic).find((committed) => committed.partition === partition)?.offset,
      commit: (offsets) => database.commitOffsets(group, topic, offsets),
    });
    groups.set(group, created);
    return created;
  }
}
