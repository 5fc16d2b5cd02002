import type { CapturedAtSource } from "#lib/messages/messages.ts";

const DAY_MS = 86_400_000;

/** A date and a time with its zone, as ISO 8601 and RFC 3339 write them. Without a zone it would name no instant. */
const ISO_INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d([.,]\d+)?)?(Z|[+-]\d\d:?\d\d)$/i;

/** When a photo was captured as far as it is known before its bytes are read, and who says so. */
export interface EventTime {
  /** Milliseconds since the Unix epoch, UTC. */
  readonly capturedAtMs: number;
  readonly capturedAtSource: CapturedAtSource;
}

/**
 * The time that a photo is announced with: that of the client or of the object, or now when there is none that can be
 * true. Clocks of cameras and phones are wrong at times: none that counts is before 1970 or more than a day ahead.
 */
export function eventTime(source: "client" | "object", candidateMs: number | undefined, nowMs: number): EventTime {
  const isPlausible = candidateMs !== undefined && candidateMs >= 0 && candidateMs <= nowMs + DAY_MS;
  if (!isPlausible) return { capturedAtMs: nowMs, capturedAtSource: "object" };
  return { capturedAtMs: Math.round(candidateMs), capturedAtSource: source };
}

/** The instant that an ISO 8601 text names, or undefined when it names none. */
export function parseInstantMs(text: string | undefined): number | undefined {
  if (text === undefined || !ISO_INSTANT.test(text)) return undefined;
  const instantMs = Date.parse(text.replace(",", ".").replace(/([+-]\d\d)(\d\d)$/, "$1:$2"));
  return Number.isNaN(instantMs) ? undefined : instantMs;
}
