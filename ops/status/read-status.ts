import { offsetMap } from "#lib/log/partition-offsets.ts";
import type { LogAdmin, PartitionOffset } from "#lib/log/record-log.ts";
import { systemClock } from "#lib/runtime/clock.ts";
import { findSnapshot } from "#lib/table/delta/read-snapshot.ts";
import { PHOTO_COLUMNS } from "#lib/table/photo-columns.ts";
import { parseTableUri } from "#lib/table/table-location.ts";
import { countKnown, TableProgress } from "#lib/table/table-progress.ts";
import { countRows } from "#lib/table/table-summary.ts";
import { readLetters } from "#ops/dead-letters/read-letters.ts";
import { type PipelineAccess, requireTopic } from "#ops/pipeline/pipeline-access.ts";
import { askServices, type ServiceStatus } from "./service-status.ts";

/** How far a kind of service is behind on one partition of its topic. */
export interface PartitionStatus {
  readonly partition: number;
  /** The offset below which everything is done. */
  readonly done: number;
  /** The topic's end. */
  readonly end: number;
  /** Records to do: those that the topic has lost are not among them. */
  readonly lag: number;
}

export interface MembersStatus {
  readonly topic: string;
  readonly lag: number;
  readonly partitions: readonly PartitionStatus[];
}

export interface TableStatus {
  readonly uri: string;
  readonly version: number;
  readonly rows: number;
  /** Vectors that were dropped since the table had their photo versions, by other announcements. */
  readonly known: number;
}

export interface PipelineStatus {
  /** By the group's commits. */
  readonly featurizers: MembersStatus & { readonly group: string };
  /** By the table, which is the truth about them. */
  readonly reducers: MembersStatus;
  /** Null while there is no table. */
  readonly table: TableStatus | null;
  /** Dead letters without a mark. */
  readonly deadLettersOpen: number;
  /** Those whose addresses are known; empty does not mean that none runs. */
  readonly services: readonly ServiceStatus[];
}

export interface StatusOptions {
  readonly tableUri: string;
  /** The consumer group on photos. */
  readonly featurizerGroup: string;
  readonly services: readonly { readonly name: string; readonly url: string }[];
}

/**
 * The state of a pipeline at this moment, from what is durable, and what its services say of themselves.
 *
 * @throws usage when the topics are not there.
 */
export async function readStatus(access: PipelineAccess, options: StatusOptions): Promise<PipelineStatus> {
  const { admin, logger, store, topics } = access;
  await requireTopic(admin, topics.photos);
  const committed = offsetMap(await admin.committedOffsets(options.featurizerGroup, topics.photos));
  const featurizers = await membersStatus(admin, topics.photos, (partition) => committed.get(partition) ?? 0);

  const location = parseTableUri(options.tableUri);
  const snapshot = await findSnapshot({ store, location, logger, clock: systemClock, columns: PHOTO_COLUMNS });
  const progress = new TableProgress(topics.features, snapshot?.txnVersions ?? new Map());
  const reducers = await membersStatus(admin, topics.features, (partition) => progress.nextOffset(partition));

  let deadLettersOpen = 0;
  await readLetters(access, (_letter, settled) => {
    if (settled === undefined) deadLettersOpen += 1;
  });
  return {
    featurizers: { group: options.featurizerGroup, ...featurizers },
    reducers,
    table: snapshot
      ? {
          uri: options.tableUri,
          version: snapshot.version,
          rows: countRows(snapshot),
          known: countKnown(snapshot.txnVersions),
        }
      : null,
    deadLettersOpen,
    services: await askServices(options.services),
  };
}

/** What was done is read before the end, so that no lag comes out below what it is. */
async function membersStatus(
  admin: LogAdmin,
  topic: string,
  done: (partition: number) => number,
): Promise<MembersStatus> {
  await requireTopic(admin, topic);
  const [earliest, ends] = await Promise.all([admin.earliestOffsets(topic), admin.endOffsets(topic)]);
  const partitions = partitionsStatus(offsetMap(earliest), ends, done);
  return { topic, lag: partitions.reduce((sum, { lag }) => sum + lag, 0), partitions };
}

/** @param done by partition, the offset below which everything is done. */
export function partitionsStatus(
  earliest: ReadonlyMap<number, number>,
  ends: readonly PartitionOffset[],
  done: (partition: number) => number,
): PartitionStatus[] {
  return ends.map(({ partition, offset: end }) => {
    const reached = done(partition);
    const lag = Math.max(0, end - Math.max(reached, earliest.get(partition) ?? 0));
    return { partition, done: reached, end, lag };
  });
}
