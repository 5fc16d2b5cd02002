import { offsetMap, parsePartitionOffsets } from "#lib/log/partition-offsets.ts";
import type { LogAdmin, PartitionOffset } from "#lib/log/record-log.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";

/** Records of one partition from an offset up to another, which is left out. */
export interface ReplayRange {
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

/** One end of what is to be replayed, as a person names it. */
export type ReplayBound =
  | { readonly kind: "earliest" }
  | { readonly kind: "time"; readonly timeMs: number }
  | { readonly kind: "offsets"; readonly offsets: readonly PartitionOffset[] };

const ISO_TIME = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?$/;

/**
 * Reads `earliest`, an ISO time, or `partition:offset,…`.
 *
 * @throws usage for anything else.
 */
export function parseBound(text: string, option: string): ReplayBound {
  if (text === "earliest") return { kind: "earliest" };
  const offsets = parsePartitionOffsets(text);
  if (offsets) return { kind: "offsets", offsets };
  const timeMs = ISO_TIME.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(timeMs)) return { kind: "time", timeMs };
  const forms = "earliest, a time as 2026-01-31T12:00:00Z, or partition:offset,…";
  throw new FruitstreamError("usage", `${option} must be ${forms}, got "${text}"`);
}

/**
 * The offsets that the bounds mean at this moment. A time is that of appending to the topic. Where a bound names
 * partitions, those it does not name are left out.
 *
 * @param to undefined means the end now.
 * @throws usage when a named offset is not on the topic, or when a range would end before it begins.
 */
export async function resolveRanges(
  admin: LogAdmin,
  topic: string,
  from: ReplayBound,
  to: ReplayBound | undefined,
): Promise<ReplayRange[]> {
  const earliest = await admin.earliestOffsets(topic);
  const ends = await admin.endOffsets(topic);
  const resolve = async (bound: ReplayBound, option: string) => {
    if (bound.kind === "earliest") return offsetMap(earliest);
    if (bound.kind === "time") return offsetMap(await admin.offsetsAtTime(topic, bound.timeMs));
    requireOnTopic(topic, option, bound.offsets, offsetMap(earliest), offsetMap(ends));
    return offsetMap(bound.offsets);
  };
  const starts = await resolve(from, "--from");
  const stops = to ? await resolve(to, "--to") : offsetMap(ends);
  const ranges = ends.flatMap(({ partition }) => {
    const [start, stop] = [starts.get(partition), stops.get(partition)];
    return start === undefined || stop === undefined ? [] : [{ partition, from: start, to: stop }];
  });
  const backwards = ranges.find((range) => range.to < range.from);
  if (!backwards) return ranges;
  const problem = `partition ${backwards.partition} would be replayed from ${backwards.from} to ${backwards.to}`;
  throw new FruitstreamError("usage", `${problem}; --to must not be before --from`);
}

function requireOnTopic(
  topic: string,
  option: string,
  offsets: readonly PartitionOffset[],
  earliest: ReadonlyMap<number, number>,
  ends: ReadonlyMap<number, number>,
): void {
  for (const { partition, offset } of offsets) {
    const [first, end] = [earliest.get(partition), ends.get(partition)];
    if (first !== undefined && end !== undefined && offset >= first && offset <= end) continue;
    const has = end === undefined ? "is not there" : `has records from ${first} up to ${end}`;
    const message = `${option} names offset ${offset} of partition ${partition}, which ${has} on "${topic}"`;
    throw new FruitstreamError("usage", message);
  }
}
