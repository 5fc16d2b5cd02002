import type { Progress } from "#lib/runtime/progress-watch.ts";
import { offsetMap } from "./partition-offsets.ts";
import type { LogAdmin } from "./record-log.ts";

/**
 * How far a member has come with its share of a topic. Records that the topic has given up are not to do any more.
 *
 * @param positions the next offset to be done, by partition that the member owns.
 * @param end by partition, the first offset that the member leaves alone.
 * @throws what asking for the offsets throws.
 */
export async function topicProgress(
  admin: Pick<LogAdmin, "endOffsets" | "earliestOffsets">,
  topic: string,
  positions: ReadonlyMap<number, number>,
  end: (partition: number) => number = () => Number.POSITIVE_INFINITY,
): Promise<Progress> {
  const [ends, earliest] = (await Promise.all([admin.endOffsets(topic), admin.earliestOffsets(topic)])).map(offsetMap);
  let toDo = 0;
  for (const [partition, position] of positions) {
    const first = Math.max(position, earliest!.get(partition) ?? 0);
    toDo += Math.max(0, Math.min(ends!.get(partition) ?? 0, end(partition)) - first);
  }
  return { position: JSON.stringify([...positions]), toDo };
}
