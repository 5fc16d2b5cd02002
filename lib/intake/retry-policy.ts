import type { RetryPolicy } from "#lib/runtime/retry.ts";

/** Backoff of what ingest repeats by itself. S3 asks for seconds, not minutes, when it throttles. */
export const RETRY_POLICY: RetryPolicy = { delayMsFirst: 200, delayMsMax: 10_000 };
