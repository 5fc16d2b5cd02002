import type { LogAdmin, PartitionOffset, PositionedProducer } from "#lib/log/record-log.ts";
import { flushMarker } from "#lib/messages/flush-marker.ts";
import { type Clock, systemClock } from "#lib/runtime/clock.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { formatTableUri } from "#lib/table/table-location.ts";
import { TableProgress } from "#lib/table/table-progress.ts";
import { requireTopic } from "#ops/pipeline/pipeline-access.ts";

/** How long a table may stand still before whoever waits for it gives up. */
export const STALL_SECONDS = 60;
const LOOK_MS = 200;

export interface FlushDeps {
  readonly admin: LogAdmin;
  readonly producer: PositionedProducer;
  readonly table: DeltaTable;
  readonly featuresTopic: string;
  /** Only the first so many partitions; all of them by default. */
  readonly partitions?: number;
  readonly clock?: Clock;
}

/**
 * Appends a marker to every partition of `features`, or to the first ones, and waits until the table is past all of them, and with them past
 * every vector published before the call. The table's snapshot is then the version that has it.
 *
 * @throws stack-unavailable when the table has not moved towards the markers for `stallSeconds`; the signal's reason.
 */
export async function flushTable(deps: FlushDeps, stallSeconds: number, signal: AbortSignal): Promise<void> {
  const { admin, producer, table, featuresTopic, clock = systemClock } = deps;
  const partitions = deps.partitions ?? (await requireTopic(admin, featuresTopic));
  const marks: PartitionOffset[] = [];
  for (let partition = 0; partition < partitions; partition++) {
    marks.push(await appendMarker(admin, producer, featuresTopic, partition));
  }

  let remaining = Number.POSITIVE_INFINITY;
  let movedAtMs = clock.nowMs();
  for (;;) {
    signal.throwIfAborted();
    await table.advance();
    const progress = new TableProgress(featuresTopic, table.snapshot.txnVersions);
    const behind = marks.filter(({ partition, offset }) => progress.nextOffset(partition) <= offset);
    if (behind.length === 0) return;
    const left = behind.reduce((sum, { partition, offset }) => sum + offset + 1 - progress.nextOffset(partition), 0);
    const nowMs = clock.nowMs();
    if (left < remaining) movedAtMs = nowMs;
    remaining = left;
    if (nowMs - movedAtMs > 1_000 * stallSeconds) throw stalled(table, behind, stallSeconds);
    await clock.sleep(LOOK_MS, signal);
  }
}

/** Where the marker lies, or, should the broker not say, a place that is not before it. */
async function appendMarker(
  admin: LogAdmin,
  producer: PositionedProducer,
  topic: string,
  partition: number,
): Promise<PartitionOffset> {
  const appended = await producer.appendOne(topic, flushMarker(partition));
  if (appended) return appended;
  const end = (await admin.endOffsets(topic)).find((offset) => offset.partition === partition)!;
  return { partition, offset: end.offset - 1 };
}

function stalled(table: DeltaTable, behind: readonly PartitionOffset[], stallSeconds: number): FruitstreamError {
  const partitions = behind.map(({ partition }) => partition).join(", ");
  const problem = `${formatTableUri(table.location)} has stood still for ${stallSeconds} s, with vectors of partitions ${partitions} to come`;
  return new FruitstreamError("stack-unavailable", `${problem}; does a reducer run on this table and these topics?`);
}
