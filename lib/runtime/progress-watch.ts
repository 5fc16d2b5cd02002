import type { MonotonicClock } from "./clock.ts";
import type { Health } from "./health.ts";
import type { Logger } from "./logger.ts";

/** How far a service's work has come. */
export interface Progress {
  /** Differs from what it was whenever anything was done or handed to others. */
  readonly position: string;
  /** Records that lie before this service. */
  readonly toDo: number;
}

/** The part of the health report that says whether the work goes on. */
const PART = "progress";

/** A cold start folds a large table's rows in before it commits anything; what takes longer asks for a look. */
const STUCK_MS = 600_000;
const LOOK_MS = 30_000;

/**
 * Tells a service that is stuck from one that has nothing to do and from one that waits for another system: it is stuck
 * when there was work for STUCK_MS, nothing of it was done, and no part of it said that it waits. Says so in the health
 * report and, once, in the log; both are taken back as soon as anything is done.
 */
export class ProgressWatch {
  readonly #clock: MonotonicClock;
  readonly #health: Health;
  readonly #logger: Logger;
  readonly #stuckMs: number;
  #position: string | undefined;
  /** Since when the position is what it is, with work to do and nothing to wait for. */
  #standsSinceMs = 0;
  #isStuck = false;

  /** @param gatherMsMax for so long, beyond STUCK_MS, a service rightly gathers work before any of it shows as done. */
  constructor(parts: { clock: MonotonicClock; health: Health; logger: Logger }, gatherMsMax = 0) {
    const { clock, health, logger } = parts;
    this.#stuckMs = STUCK_MS + gatherMsMax;
    this.#clock = clock;
    this.#health = health;
    this.#logger = logger;
    health.report(PART, "ok");
  }

  /** Looks from time to time, until the signal aborts. Never throws: a look that fails tells nothing. */
  async run(look: () => Promise<Progress>, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#clock.sleep(LOOK_MS, signal).catch(() => undefined);
      if (signal.aborted) return;
      try {
        this.#note(await look());
      } catch (error) {
        this.#logger.debug({ event: "progress_unknown", err: error }, "could not read how far the work is");
      }
    }
  }

  #note({ position, toDo }: Progress): void {
    const nowMs = this.#clock.monotonicMs();
    if (position !== this.#position || toDo === 0 || this.#waits()) {
      this.#position = position;
      this.#standsSinceMs = nowMs;
      if (this.#isStuck) this.#logger.info({ event: "work_resumed" }, "work has resumed");
      this.#isStuck = false;
      this.#health.report(PART, "ok");
      return;
    }
    const standsMs = nowMs - this.#standsSinceMs;
    if (standsMs < this.#stuckMs) return;
    const detail = `nothing done for ${Math.floor(standsMs / 1_000)} s, ${toDo} records to do`;
    if (!this.#isStuck)
      this.#logger.error({ event: "work_stuck", toDo, standsMs }, `stuck: ${detail}; restart this process`);
    this.#isStuck = true;
    this.#health.report(PART, "stuck", detail);
  }

  #waits(): boolean {
    return Object.entries(this.#health.parts).some(([part, { state }]) => part !== PART && state !== "ok");
  }
}
