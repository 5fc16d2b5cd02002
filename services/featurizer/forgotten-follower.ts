import type { ForgottenTopic } from "#lib/messages/forgotten-topic.ts";
import type { Clock } from "#lib/runtime/clock.ts";
import type { Logger } from "#lib/runtime/logger.ts";

export interface ForgottenFollowerDeps {
  readonly forgotten: Pick<ForgottenTopic, "refresh">;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Soon enough: whatever a featurizer publishes until then, reducers drop. */
const LOOK_MS = 10_000;

/** Looks now and then at what has been forgotten since. Nothing waits for it, and nothing depends on it but tidiness. */
export class ForgottenFollower {
  readonly #deps: ForgottenFollowerDeps;
  #lookedAtMs: number;
  #isLooking = false;

  constructor(deps: ForgottenFollowerDeps) {
    this.#deps = deps;
    this.#lookedAtMs = deps.clock.nowMs();
  }

  /** Begins to look when it is time. Cheap enough to be called at any time. */
  look(): void {
    const { forgotten, clock, logger } = this.#deps;
    const sinceMs = clock.nowMs() - this.#lookedAtMs;
    // A clock that was set back must not make it wait for long.
    if (this.#isLooking || (sinceMs >= 0 && sinceMs < LOOK_MS)) return;
    this.#isLooking = true;
    this.#lookedAtMs = clock.nowMs();
    const failed = (error: unknown) => {
      const fields = { event: "forgotten_not_read", err: error };
      logger.debug(fields, "could not read what is forgotten; looking again later");
    };
    void forgotten
      .refresh()
      .catch(failed)
      .finally(() => {
        this.#isLooking = false;
      });
  }
}
