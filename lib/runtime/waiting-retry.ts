import type { Clock } from "./clock.ts";
import type { Health } from "./health.ts";
import type { Logger } from "./logger.ts";
import { metrics } from "./metrics.ts";
import { type RetryPolicy, retrying } from "./retry.ts";

/** The steps by which retries are counted: a closed list, since each is a series for whoever collects metrics. */
export type StepName =
  | "start"
  | "committed-offsets"
  | "features-partitions"
  | "schemas"
  | "reading-end"
  | "fetch"
  | "publish"
  | "dead-letter"
  | "source-ends"
  | "same-topics"
  | "forgotten"
  | "vector-length"
  | "read-table"
  | "pca"
  | "photo-versions"
  | "write-files"
  | "commit"
  | "checkpoint"
  | "maintain";

/** One step that needs another system. */
export interface WaitingStep<Result> {
  /** The part of the health report that the step needs. */
  readonly part: "s3" | "kafka";
  /** Names the step in logs and metrics. */
  readonly name: StepName;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
  readonly attempt: () => Promise<Result>;
}

const POLICY: RetryPolicy = { delayMsFirst: 100, delayMsMax: 10_000 };

/**
 * Repeats steps while what they need may come back, without an end, and says in the health report what it waits for. A
 * part is well again once it has answered a step, whichever, and no step waits for it.
 */
export class WaitingRetry {
  readonly #clock: Clock;
  readonly #health: Health;
  readonly #logger: Logger;
  readonly #waiting = { s3: 0, kafka: 0 };
  readonly #saysWaiting = { s3: false, kafka: false };

  constructor({ clock, health, logger }: { clock: Clock; health: Health; logger: Logger }) {
    this.#clock = clock;
    this.#health = health;
    this.#logger = logger;
  }

  /** @throws the step's error when its fate is not `retry`, or the signal's reason. */
  async run<Result>({ part, name, signal, attempt }: WaitingStep<Result>): Promise<Result> {
    let waited = false;
    const onRetry = (error: unknown, attemptNumber: number, delayMs: number) => {
      if (!waited) this.#waiting[part] += 1;
      waited = true;
      this.#saysWaiting[part] = true;
      metrics.retries.inc({ step: name });
      this.#health.report(part, "waiting", String(error));
      const fields = { event: "step_retried", step: name, attempt: attemptNumber, delayMs, err: error };
      this.#logger.warn(fields, `${name} failed; retrying`);
    };
    try {
      return await retrying(POLICY, { clock: this.#clock, signal, onRetry }, attempt);
    } finally {
      if (waited) this.#waiting[part] -= 1;
      // A step that was called off has no answer: whoever comes next will.
      if (this.#saysWaiting[part] && this.#waiting[part] === 0 && !signal.aborted) {
        this.#saysWaiting[part] = false;
        this.#health.report(part, "ok");
      }
    }
  }
}
