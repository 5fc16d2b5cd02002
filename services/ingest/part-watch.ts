import type { Clock } from "#lib/runtime/clock.ts";
import type { Health } from "#lib/runtime/health.ts";

export interface PartWatchParts {
  readonly clock: Clock;
  readonly health: Health;
  /** Resolves when the part answers. It tells no more than that: a server that refuses writes alone answers. */
  readonly probe: () => Promise<unknown>;
  /** Ends the looking. */
  readonly signal: AbortSignal;
}

const LOOK_MS = 2_000;

/**
 * Keeps a part's health up to date: by what becomes of the steps that need it and, from a failure on, by looking whether
 * it answers again. Whoever sends uploads to ready services only would otherwise never send the one that shows it.
 */
export class PartWatch {
  readonly #part: string;
  readonly #parts: PartWatchParts;
  #isLooking = false;

  constructor(part: string, parts: PartWatchParts) {
    this.#part = part;
    this.#parts = parts;
  }

  /** @throws what the step throws. */
  async during<Result>(step: Promise<Result>): Promise<Result> {
    const { health } = this.#parts;
    try {
      const result = await step;
      health.report(this.#part, "ok");
      return result;
    } catch (error) {
      health.report(this.#part, "waiting", error instanceof Error ? error.message : String(error));
      void this.#lookUntilItAnswers();
      throw error;
    }
  }

  async #lookUntilItAnswers(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    const { clock, health, probe, signal } = this.#parts;
    while (health.parts[this.#part]?.state === "waiting" && !signal.aborted) {
      await clock.sleep(LOOK_MS, signal).catch(() => undefined);
      const answers = await probe().then(
        () => true,
        () => false,
      );
      if (answers && !signal.aborted) health.report(this.#part, "ok");
    }
    this.#isLooking = false;
  }
}
