/**
 * The narrow port to Kafka: what the services ask of a partitioned, replayable log. Offsets are safe integers.
 * One adapter speaks to brokers; a fake in memory passes the same contract suite (`test/contract/record-log.ts`).
 */

/** A record as consumed. `key` and `value` are valid until the handler that was given it resolves its work. */
export interface LogRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
}

/** The next offset to read of one partition, as committed to or read from a group. */
export interface PartitionOffset {
  readonly partition: number;
  readonly offset: number;
}

export interface ConsumerHandlers {
  /**
   * These partitions, all of the topic that this member now owns, replace those owned before. Called before any of
   * their records is handed over, and again after every rebalance. What was in flight for earlier assignments may have
   * been given to another member: drop it.
   *
   * @returns where to start, by partition; a partition that is missing starts at the group's committed offset, or at
   * the earliest record when there is none.
   */
  assigned(partitions: readonly number[]): Promise<ReadonlyMap<number, number>>;

  /**
   * Records of one partition, in offset order, none skipped and none repeated since the assignment or the last seek.
   * Called for different partitions at the same time, for one partition one call after the other. The next records of
   * the partition are fetched after it resolves: not resolving is backpressure, and keeps the membership alive.
   */
  records(partition: number, records: readonly LogRecord[]): Promise<void>;

  /**
   * From this offset up to the next one the partition has no records for anybody: those that were there are compacted away,
   * belong to an aborted transaction, or are markers of transactions. What has expired is not among it. Called between two
   * calls of `records` for the partition, as far as the log can tell.
   */
  skipped?(partition: number, fromOffset: number, nextOffset: number): void;

  /** The member has lost its brokers or its group and tries to come back by itself; `assigned` follows when it does. */
  interrupted?(error: Error): void;
}

/** A member of a consumer group, on one topic. */
export interface RecordConsumer {
  /**
   * Joins the group and hands over records until `stop`.
   *
   * @throws what a handler threw, or FruitstreamError when the broker refuses the member for good.
   */
  run(handlers: ConsumerHandlers): Promise<void>;

  /**
   * Reads on from another offset of a partition that this member owns. Records fetched before are not delivered, but a
   * call of `records` that has begun keeps those it was given. Without a group there is nothing to move: the next
   * `assigned` says where to start.
   */
  seek(partition: number, offset: number): void;

  /**
   * Commits the group's next offsets. Fails with `broker-unavailable` (retry) when this member is not in its group, when
   * the group is rebalancing or when the coordinator is away; the commit is then made good by a later one.
   */
  commit(offsets: readonly PartitionOffset[]): Promise<void>;

  /** Stops handing over records, leaves the group and makes `run` resolve. Idempotent. */
  stop(): Promise<void>;
}

/** What is to be appended to an explicit partition, or, without one, to the partition of the key's murmur2 hash. */
export interface NewRecord {
  readonly partition?: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array;
}

export interface RecordProducer {
  /**
   * Appends the records in order, after those of earlier calls, and resolves once every in-sync replica has them.
   * Retried inside. When it throws, some of the records may have been appended: a repeated call may append them twice,
   * but never one before an earlier one of the same call.
   *
   * @throws broker-unavailable when it could not be done within the producer's own bound.
   */
  append(topic: string, records: readonly NewRecord[]): Promise<void>;
  close(): Promise<void>;
}

/** A producer that can tell where a record went. */
export interface PositionedProducer extends RecordProducer {
  /**
   * Appends one record, as `append` does.
   *
   * @returns its position; undefined when it was appended and the broker's answer does not say where.
   */
  appendOne(topic: string, record: NewRecord): Promise<PartitionOffset | undefined>;
}

/** A topic to be created. */
export interface TopicShape {
  readonly topic: string;
  readonly partitions: number;
  /**
   * What it keeps: every record for so many ms, or for good; or at least the latest record of each key for good. Without
   * it the log's own default counts.
   */
  readonly keep?: number | "for-ever" | "compacted";
}

/** How safe a topic keeps its records. */
export interface TopicSafety {
  readonly topic: string;
  /** As Kafka names them: `delete`, `compact` or both. */
  readonly cleanupPolicy: string;
  /** -1 is for good. Counts where the policy is to delete. */
  readonly retentionMs: number;
  /** Copies of each record, and how many of them there are when it is acknowledged. */
  readonly replicas: number;
  readonly inSyncReplicasMin: number;
}

export interface LogAdmin {
  /** Creates the topics that do not exist. An existing topic keeps its partitions. */
  ensureTopics(topics: readonly TopicShape[]): Promise<void>;
  /** How safe the topics keep their records; of one that does not exist, or where nobody asks for it, nothing. */
  topicSafety(topics: readonly string[]): Promise<TopicSafety[]>;
  /** The topic's number of partitions, or undefined when there is no such topic. */
  partitionCount(topic: string): Promise<number | undefined>;
  /**
   * By topic, what tells it from one of the same name that is created when it has been deleted. Nothing of a topic that
   * does not exist, or where the log tells nothing, as Kafka before 2.8.
   */
  topicIds(topics: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /**
   * Raises the topic's number of partitions. Resolves once the new ones can be written to.
   *
   * @throws usage when the topic has as many, or more.
   */
  addPartitions(topic: string, count: number): Promise<void>;
  /** How many members the consumer group has at the moment. */
  memberCount(group: string): Promise<number>;
  /** Per partition, the offset of the next record to be appended (the high-water mark). */
  endOffsets(topic: string): Promise<PartitionOffset[]>;
  /** Per partition, the offset of the oldest record that is kept; the end offset when there is none. */
  earliestOffsets(topic: string): Promise<PartitionOffset[]>;
  /** Per partition, the offset of the first record appended at this time (ms since the epoch) or later, else the end. */
  offsetsAtTime(topic: string, timeMs: number): Promise<PartitionOffset[]>;
  /** Per partition, the group's committed next offset; partitions without one are missing. */
  committedOffsets(group: string, topic: string): Promise<PartitionOffset[]>;
  /**
   * Commits next offsets for a group that has no members at the moment.
   *
   * @throws usage when it has.
   */
  commitOffsets(group: string, topic: string, offsets: readonly PartitionOffset[]): Promise<void>;
  /** Removes the records below these offsets. The offsets of later ones stay what they are. */
  deleteBelow(topic: string, offsets: readonly PartitionOffset[]): Promise<void>;
  close(): Promise<void>;
}

export interface ProducerOptions {
  /**
   * How long an append may wait for others that go with it, as `linger.ms` of Kafka's own producer; 10 by default. A
   * request costs broker and client a multiple of what a record costs.
   */
  readonly lingerMs?: number;
}

/** What a consumer joins. */
export interface Membership {
  readonly group: string;
  readonly topic: string;
  /** After so long without a sign of life the group gives the member's partitions to others. */
  readonly sessionMsMax: number;
  /** Records may wait up to 100 ms until so many bytes can be handed over together; 1 by default. */
  readonly gatherBytesMin?: number;
}

/** The whole log, as services are composed over it. */
export interface RecordLog {
  openAdmin(): Promise<LogAdmin>;
  openProducer(options?: ProducerOptions): Promise<PositionedProducer>;
  /** Joins nothing yet: `run` does. */
  createConsumer(membership: Membership): RecordConsumer;
  /**
   * Hands over every record that the topic holds when the call begins, partition by partition in order, and ends. The
   * next record waits for what the handler returns.
   *
   * @param from where to begin, by partition; one that is missing begins at its oldest record.
   * @throws what the handler threw.
   */
  readTopic(
    topic: string,
    onRecord: (record: LogRecord) => void | Promise<void>,
    from?: ReadonlyMap<number, number>,
  ): Promise<void>;
}
