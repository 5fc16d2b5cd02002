import { z } from "zod";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { PartitionOffset } from "./record-log.ts";

/**
 * Next offsets by partition as text, `0:120,1:98`: what bounds a reading on a command line or in a variable.
 *
 * @returns the offsets in the order of the partitions; undefined when the text is nothing of the kind, or names a
 * partition twice.
 */
export function parsePartitionOffsets(text: string): PartitionOffset[] | undefined {
  const offsets = text.split(",").flatMap((part) => {
    const [, partition, offset] = /^(\d{1,9}):(\d{1,15})$/.exec(part.trim()) ?? [];
    return partition === undefined ? [] : [{ partition: Number(partition), offset: Number(offset) }];
  });
  const isComplete = offsets.length === text.split(",").length;
  const isUnique = new Set(offsets.map(({ partition }) => partition)).size === offsets.length;
  return isComplete && isUnique ? offsets.sort((a, b) => a.partition - b.partition) : undefined;
}

export function formatPartitionOffsets(offsets: readonly PartitionOffset[]): string {
  return offsets.map(({ partition, offset }) => `${partition}:${offset}`).join(",");
}

/** By partition. */
export function offsetMap(offsets: readonly PartitionOffset[]): ReadonlyMap<number, number> {
  return new Map(offsets.map(({ partition, offset }) => [partition, offset]));
}

/** As many digits as `parsePartitionOffsets` takes. */
const partitionOffset = z.object({
  partition: z.int().min(0).max(999_999_999),
  offset: z.int().min(0).max(999_999_999_999_999),
});

/** Type of a setting that holds next offsets by partition. */
export const partitionOffsetsSetting = z.codec(z.string(), z.array(partitionOffset).min(1).readonly(), {
  decode: (text, { issues }) => {
    const offsets = parsePartitionOffsets(text);
    if (offsets) return offsets;
    const message = "must be partition:offset, several separated by commas, each partition once";
    issues.push({ code: "custom", message, input: text });
    return z.NEVER;
  },
  encode: formatPartitionOffsets,
});

/** @throws usage when a topic of so many partitions can't be given `count`: Kafka takes none away. */
export function requireFewer(topic: string, partitions: number, count: number): void {
  if (partitions < count) return;
  const problem = `topic "${topic}" has ${partitions} partitions and can't be given ${count}: partitions are only added`;
  throw new FruitstreamError("usage", problem);
}
