/**
 * What becomes of the work that failed:
 * - `retry`: the cause may pass (a server restarts, a network heals); do the same again after a backoff.
 * - `dead-letter`: this photo or message can never succeed; set it aside with its reason, go on with the rest.
 * - `crash`: nothing can succeed until a person acts; stop the process with the message.
 */
export type Fate = "retry" | "dead-letter" | "crash";

/** Every failure the project knows. The code is a contract: metrics, dead letters and exit messages carry it. */
const FATES = {
  "store-unavailable": "retry",
  "broker-unavailable": "retry",
  "download-failed": "retry",

  "not-found": "dead-letter",
  "unreadable-object": "dead-letter",
  "etag-changed": "dead-letter",
  "too-large": "dead-letter",
  "unsupported-format": "dead-letter",
  "corrupt-image": "dead-letter",
  "pixel-limit": "dead-letter",
  "decoder-killed": "dead-letter",
  "poison-message": "dead-letter",
  "invalid-features": "dead-letter",

  "too-many-dead-letters": "crash",
  "invalid-config": "crash",
  "invalid-model": "crash",
  "inference-failed": "crash",
  "invalid-table": "crash",
  "access-denied": "crash",
  "stack-unavailable": "crash",
  usage: "crash",
} as const satisfies Record<string, Fate>;

export type ErrorCode = keyof typeof FATES;

/** The codes that a dead letter's `reason` may hold. */
export type DeadLetterReason = {
  [C in ErrorCode]: (typeof FATES)[C] extends "dead-letter" ? C : never;
}[ErrorCode];

/**
 * The only error type the project throws on purpose. The message is a lower-case sentence that names the value that
 * was wrong and what to do; `cause` keeps what a library threw.
 */
export class FruitstreamError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "FruitstreamError";
    this.code = code;
  }

  get fate(): Fate {
    return FATES[this.code];
  }
}

/** The fate of anything thrown; what we did not foresee crashes, since nobody can say that a retry would be safe. */
export function fateOf(error: unknown): Fate {
  return error instanceof FruitstreamError ? error.fate : "crash";
}

/** The reason under which an error's photo is dead-lettered, or undefined when its fate is another. */
export function deadLetterReasonOf(error: unknown): DeadLetterReason | undefined {
  return error instanceof FruitstreamError && error.fate === "dead-letter"
    ? (error.code as DeadLetterReason)
    : undefined;
}
