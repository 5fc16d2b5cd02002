import { randomUUID } from "node:crypto";
import type { PartitionOffset } from "#lib/log/record-log.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import type { ReplayRange } from "./replay-range.ts";

/** What a replay is called in messages, and where the table notes its start. */
export interface ReplayName {
  /** As `run "model-2"`. */
  readonly title: string;
  /** The run of a replay of photos; empty for vectors, which carry their own. */
  readonly run: string;
  readonly topic: string;
}

/**
 * Where a replay begins or goes on, by partition, given how far it has come.
 *
 * A replay that was begun goes on: below its high-water marks the reducer takes everything for a repeat, so records from
 * before its start would be dropped without a word, and a gap after what is done would never be filled.
 *
 * @param isFromNamed whether a person named where to begin; otherwise a replay that was begun goes on from anywhere.
 * @param begun where it began, as the table notes it.
 * @param done the next offset of what is done.
 * @throws usage when the named start contradicts what was begun.
 */
export function continueRanges(
  { title }: ReplayName,
  ranges: readonly ReplayRange[],
  isFromNamed: boolean,
  begun: ReadonlyMap<number, number>,
  done: ReadonlyMap<number, number>,
): ReplayRange[] {
  return ranges.map(({ partition, from, to }) => {
    const next = done.get(partition) ?? begun.get(partition);
    if (next === undefined) return { partition, from, to };
    const start = begun.get(partition) ?? 0;
    if (isFromNamed && (from < start || from > next)) {
      const been = `${title} began partition ${partition} at ${start} and has come to ${next}`;
      const remedy = "leave --from out to go on with it, or begin another";
      throw new FruitstreamError("usage", `${been}, so it can't begin at ${from}; ${remedy}`);
    }
    return { partition, from: next, to: Math.max(next, to) };
  });
}

/** Where the replay began, by partition, as the table notes it; empty when it never did. */
export function readStarts(table: DeltaTable, name: ReplayName): ReadonlyMap<number, number> {
  const prefix = startAppId(name, "");
  return new Map(
    [...table.snapshot.txnVersions]
      .filter(([appId]) => appId.startsWith(prefix))
      .map(([appId, offset]) => [Number(appId.slice(prefix.length)), offset]),
  );
}

/**
 * Notes in the table where the replay begins, for the partitions that have no note yet, in one commit.
 *
 * @param more application ids to be set in the same commit, that have no version yet.
 * @throws usage when another process begins the same replay at this moment.
 */
export async function noteStarts(
  table: DeltaTable,
  name: ReplayName,
  starts: readonly PartitionOffset[],
  more: (start: PartitionOffset) => readonly { appId: string; version: number }[] = () => [],
): Promise<void> {
  const txns = starts.flatMap((start) => [
    { appId: startAppId(name, start.partition), version: start.offset },
    ...more(start),
  ]);
  if (txns.length === 0) return;
  const baseTxns = new Map(txns.map(({ appId }) => [appId, undefined]));
  const request = { commitId: randomUUID(), operation: "BEGIN REPLAY", adds: [], txns, baseTxns };
  if ((await table.commit(request)).outcome === "committed") return;
  throw new FruitstreamError("usage", `${name.title} is being begun by another process; run this again to help it`);
}

function startAppId({ run, topic }: ReplayName, partition: number | ""): string {
  return `fruitstream/replay-start/${run}/${topic}/${partition}`;
}
