import type { DeadLetter } from "#lib/messages/messages.ts";
import type { PlacedLetter } from "#ops/dead-letters/placed-letter.ts";

/** A letter of a live photo, at an offset of partition 0. */
export function letterAt(offset: number, change: Partial<DeadLetter> = {}): PlacedLetter {
  return {
    partition: 0,
    offset,
    letter: {
      run: "live",
      sourceTopic: "photos",
      sourcePartition: 1,
      sourceOffset: 100 + offset,
      reason: "not-found",
      detail: "it is gone",
      uri: `s3://photos/apple/${offset}.jpg`,
      failedAtMs: Date.UTC(2026, 0, 31, 12),
      originalKey: Buffer.from(`apple/${offset}.jpg`),
      originalValue: Buffer.from(`photo ${offset}`),
      traceparent: null,
      ...change,
    },
  };
}
