import type { DeadLetter } from "#lib/messages/messages.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { type PlacedLetter, parseLetterPosition } from "./placed-letter.ts";

/** Which letters a person means, as the command line says it. What is not given admits every letter. */
export interface LetterFlags {
  readonly reason?: string;
  /** ISO times of the failure; `until` is not included. */
  readonly since?: string;
  readonly until?: string;
  /** The beginning of the photo's URI, or of the record's key. */
  readonly prefix?: string;
  readonly run?: string;
}

export type LetterTest = (letter: PlacedLetter) => boolean;

/**
 * The test that a letter must pass: every flag, and to be at one of the positions where there are any.
 *
 * @param positions as `0:17`.
 * @throws usage for a time or a position that is none.
 */
export function letterTest(flags: LetterFlags, positions: readonly string[] = []): LetterTest {
  const { reason, prefix, run } = flags;
  const sinceMs = flags.since === undefined ? Number.NEGATIVE_INFINITY : parseTimeMs(flags.since, "--since");
  const untilMs = flags.until === undefined ? Number.POSITIVE_INFINITY : parseTimeMs(flags.until, "--until");
  const places = new Set(positions.map((text) => placeOf(parseLetterPosition(text))));
  return ({ partition, offset, letter }) =>
    (reason === undefined || letter.reason === reason) &&
    letter.failedAtMs >= sinceMs &&
    letter.failedAtMs < untilMs &&
    (prefix === undefined || beginsWith(letter, prefix)) &&
    (run === undefined || letter.run === run) &&
    (places.size === 0 || places.has(placeOf({ partition, offset })));
}

function beginsWith({ uri, originalKey }: DeadLetter, prefix: string): boolean {
  if (uri?.startsWith(prefix)) return true;
  return originalKey !== null && Buffer.from(originalKey).toString().startsWith(prefix);
}

function parseTimeMs(text: string, option: string): number {
  const timeMs = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(timeMs)) return timeMs;
  throw new FruitstreamError("usage", `${option} must be a time as 2026-01-31T12:00:00Z, got "${text}"`);
}

function placeOf({ partition, offset }: { partition: number; offset: number }): string {
  return `${partition}:${offset}`;
}
