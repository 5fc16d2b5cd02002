import type { DeadLetterMark } from "#lib/messages/messages.ts";
import type { PlacedLetter } from "#ops/dead-letters/placed-letter.ts";

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

/** What `formatLine` shows, for programs. */
export function lineFacts({ partition, offset, letter }: PlacedLetter, settled: string | undefined) {
  const { failedAtMs, reason, run, uri, detail } = letter;
  const failedAt = formatTime(failedAtMs);
  return { position: `${partition}:${offset}`, failedAt, reason, run, uri, detail, settled: settled ?? null };
}

/** Everything that is known of a letter, for programs. Original bytes are in base64. */
export function letterFacts({ partition, offset, letter }: PlacedLetter, mark: DeadLetterMark | undefined) {
  const { originalKey, originalValue, failedAtMs, ...fields } = letter;
  return {
    position: `${partition}:${offset}`,
    ...fields,
    failedAt: formatTime(failedAtMs),
    originalKey: originalKey && Buffer.from(originalKey).toString(),
    originalValue: originalValue && Buffer.from(originalValue).toString("base64"),
    settled: mark?.outcome ?? null,
  };
}
