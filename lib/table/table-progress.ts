import assert from "node:assert";
import { hash } from "node:crypto";
import type { SourcePosition } from "#lib/messages/messages.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";

/**
 * How far the table has come, as its log keeps it: one `txn` action per features partition (the next offset to read)
 * and one per run and source partition (the high-water mark: every smaller source offset is in the table, was
 * dead-lettered, or never was).
 */
export class TableProgress {
  readonly #featuresTopic: string;
  readonly #versions: Map<string, number>;

  /** A copy of the log's state, to be moved on as records are read. */
  constructor(featuresTopic: string, txnVersions: ReadonlyMap<string, number>) {
    this.#featuresTopic = featuresTopic;
    this.#versions = new Map(txnVersions);
  }

  /** The next offset of a features partition: 0 when the table has none of its records. */
  nextOffset(partition: number): number {
    return this.#versions.get(this.offsetAppId(partition)) ?? 0;
  }

  /** Source offsets below it are repeats. */
  highWaterMark(position: SourcePosition): number {
    return this.#versions.get(highWaterAppId(position)) ?? 0;
  }

  /** The version of an application id now, or undefined. */
  get(appId: string): number | undefined {
    return this.#versions.get(appId);
  }

  /** Offsets and marks only move forward. */
  move(appId: string, version: number): void {
    assert(version > (this.get(appId) ?? 0), `${appId} would go from ${this.get(appId)} to ${version}`);
    this.#versions.set(appId, version);
  }

  offsetAppId(partition: number): string {
    return `${offsetAppIdBegin(this.#featuresTopic)}${partition}`;
  }
}

/**
 * Makes sure that a table with rows has the offsets that they were read at: a reducer would read all records once more.
 *
 * @throws invalid-table when they are gone.
 */
export function requireOffsets(
  {
    files,
    txnVersions,
  }: { readonly files: ReadonlyMap<string, unknown>; readonly txnVersions: ReadonlyMap<string, number> },
  tableUri: string,
): void {
  if (files.size === 0 || hasOffsets(txnVersions)) return;
  const cause = "they have expired (delta.setTransactionRetentionDuration), or the rows were copied without them";
  const remedy = "restore a version of the table that has them, or let the reducers begin a new table";
  throw new FruitstreamError(
    "invalid-table",
    `${tableUri} has rows, and no offset up to which they were read: ${cause}; ${remedy}`,
  );
}

/** Whether the table has an offset of any features topic. */
export function hasOffsets(txnVersions: ReadonlyMap<string, number>): boolean {
  return [...txnVersions.keys()].some((appId) => appId.startsWith(OFFSET));
}

const OFFSET = "fruitstream/offset/";

/** The features partitions whose offsets a commit moves. */
export function movedOffsets(txns: readonly { readonly appId: string }[], featuresTopic: string): Set<number> {
  const begin = offsetAppIdBegin(featuresTopic);
  return new Set(
    txns.filter(({ appId }) => appId.startsWith(begin)).map(({ appId }) => Number(appId.slice(begin.length))),
  );
}

function offsetAppIdBegin(featuresTopic: string): string {
  return `${OFFSET}${featuresTopic}/`;
}

/**
 * Named by run, topic and partition: how many of its vectors were dropped since the table had their photo versions. Moves
 * together with the high-water mark.
 */
export function knownAppId({ run, sourceTopic, sourcePartition }: SourcePosition): string {
  return `${KNOWN}${run}/${sourceTopic}/${sourcePartition}`;
}

/** How many vectors of all runs were dropped since the table had their photo versions. */
export function countKnown(txnVersions: ReadonlyMap<string, number>): number {
  const counts = [...txnVersions].filter(([appId]) => appId.startsWith(KNOWN));
  return counts.reduce((sum, [, count]) => sum + count, 0);
}

const KNOWN = "fruitstream/known/";

/** Named by run, topic and partition: a photo's source position without its offset. */
export function highWaterAppId({ run, sourceTopic, sourcePartition }: SourcePosition): string {
  return `fruitstream/high-water/${run}/${sourceTopic}/${sourcePartition}`;
}

/**
 * Named by the topic: the partitions that the table counts on. Of `features` they are those that it has; of `photos` those
 * that it had when the table first met it.
 */
export function partitionsAppId(topic: string): string {
  return `fruitstream/partitions/${topic}`;
}

/** Named by the topic: which of all topics of that name the table was made from, by `topicNumber`. */
export function topicAppId(topic: string): string {
  return `fruitstream/topic/${topic}`;
}

const TOPIC_NUMBER_BYTES = 6;

/** A topic's id as a `txn` action can keep it; two ids have the same with a probability of 2^-48. */
export function topicNumber(id: string): number {
  return hash("sha256", id, "buffer").readUIntBE(0, TOPIC_NUMBER_BYTES);
}

/**
 * Moved by each forgetting of photos, once the topic of forgotten photos says which. A window that was filtered by what
 * that topic said before is fenced.
 */
export const FORGOTTEN_APP_ID = "fruitstream/forgotten";

/** The high-water marks of a topic of photos, of every run. */
export function highWaterMarksOf(txnVersions: ReadonlyMap<string, number>, sourceTopic: string): HighWaterMark[] {
  return allHighWaterMarks(txnVersions).filter(({ topic }) => topic === sourceTopic);
}

/** By run and source partition (`markKey`), the highest high-water mark of any topic of photos. */
export function highestMarks(txnVersions: ReadonlyMap<string, number>): Map<string, number> {
  const marks = new Map<string, number>();
  for (const { run, partition, mark } of allHighWaterMarks(txnVersions)) {
    const key = markKey(run, partition);
    marks.set(key, Math.max(marks.get(key) ?? 0, mark));
  }
  return marks;
}

interface HighWaterMark {
  readonly run: string;
  readonly topic: string;
  readonly partition: number;
  readonly mark: number;
}

function allHighWaterMarks(txnVersions: ReadonlyMap<string, number>): HighWaterMark[] {
  return [...txnVersions].flatMap(([appId, mark]) => {
    // Neither runs nor topics have slashes in their names.
    const [, kind, run, topic, partition] = appId.split("/");
    return kind === "high-water" ? [{ run: run!, topic: topic!, partition: Number(partition), mark }] : [];
  });
}

export function markKey(run: string, sourcePartition: number): string {
  return `${run}/${sourcePartition}`;
}
