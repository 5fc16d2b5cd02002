import { parsePartitionOffsets } from "#lib/log/partition-offsets.ts";
import type { PartitionOffset } from "#lib/log/record-log.ts";
import type { DeadLetter, DeadLetterMark } from "#lib/messages/messages.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";

/** A letter, and where it lies on the topic of dead letters. */
export interface PlacedLetter extends PartitionOffset {
  readonly letter: DeadLetter;
}

/** A letter's position as text, as `0:17`. @throws usage when it is nothing of the kind. */
export function parseLetterPosition(text: string): PartitionOffset {
  const [position, ...others] = parsePartitionOffsets(text) ?? [];
  if (position && others.length === 0) return position;
  throw new FruitstreamError("usage", `a letter's position is partition:offset, as list shows it; got "${text}"`);
}

/** One line: position, time, reason, run, what it is about, and why it failed. */
export function formatLine({ partition, offset, letter }: PlacedLetter, settled: string | undefined): string {
  const { failedAtMs, reason, run, uri, detail } = letter;
  const about = uri ?? `${letter.sourceTopic} ${letter.sourcePartition}:${letter.sourceOffset}`;
  const fields = [`${partition}:${offset}`, formatTime(failedAtMs), reason, run || "-", about];
  return `${fields.join("  ")}  ${settled ? `[${settled}] ` : ""}${detail.replace(/\s+/g, " ").slice(0, DETAIL_CHARACTERS)}`;
}

/** Everything that is known of a letter, one field a line. */
export function formatLetter({ partition, offset, letter }: PlacedLetter, mark: DeadLetterMark | undefined): string {
  const { originalKey, originalValue, failedAtMs, ...fields } = letter;
  const lines: [string, unknown][] = [
    ["position", `${partition}:${offset}`],
    ...Object.entries(fields),
    ["failedAt", formatTime(failedAtMs)],
    ["originalKey", originalKey && Buffer.from(originalKey).toString()],
    ["originalValue", originalValue && `${originalValue.byteLength} bytes, base64:`],
    ["", originalValue && Buffer.from(originalValue).toString("base64")],
    ["settled", mark ? describeMark(mark) : "no"],
  ];
  return lines
    .filter(([name, value]) => name !== "" || value !== null)
    .map(([name, value]) => `${name.padEnd(16)} ${value ?? "-"}`)
    .join("\n");
}

const DETAIL_CHARACTERS = 160;

function describeMark({ outcome, newPartition, newOffset, markedAtMs }: DeadLetterMark): string {
  const place = newPartition === null || newOffset === null ? "" : `, now at ${newPartition}:${newOffset}`;
  return `${outcome} at ${formatTime(markedAtMs)}${place}`;
}

/** A letter's time is what a producer wrote; one that is no time is shown as it is. */
function formatTime(timeMs: number): string {
  const time = new Date(timeMs);
  return Number.isNaN(time.getTime()) ? String(timeMs) : time.toISOString();
}
