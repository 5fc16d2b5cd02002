import type { WorkHost } from "#lib/log/partition-work.ts";
import { fateOf } from "#lib/runtime/errors.ts";
import type { WaitingRetry } from "#lib/runtime/waiting-retry.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import {
  requireSameIds,
  requireSameTopics,
  type SameTopicsDeps,
  type SameTopicsOptions,
  type TopicsNow,
} from "./same-topics.ts";

export interface TopicWatchDeps {
  readonly admin: SameTopicsDeps;
  readonly table: DeltaTable;
  readonly retry: WaitingRetry;
}

/**
 * Holds the topics against the table: at each assignment, and after each commit, so that one which is created anew while
 * its records are read is noticed with the next commit, or by whoever starts after it.
 */
export class TopicWatch {
  readonly #deps: TopicWatchDeps;
  readonly #options: SameTopicsOptions;
  #isLooking = false;

  constructor(deps: TopicWatchDeps, options: SameTopicsOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  /** The topics as they are now; waits for Kafka until the signal aborts. @throws as `requireSameTopics`. */
  atAssignment(signal: AbortSignal): Promise<TopicsNow> {
    const { admin, table, retry } = this.#deps;
    const attempt = () => requireSameTopics(table.snapshot.txnVersions, admin, this.#options);
    return retry.run({ part: "kafka", name: "same-topics", signal, attempt });
  }

  /** Looks once, beside the work, which fails if a topic is another. Where Kafka can't be asked, the next look will do. */
  afterCommit(host: Pick<WorkHost, "failed">): void {
    if (this.#isLooking) return;
    this.#isLooking = true;
    const { admin, table } = this.#deps;
    requireSameIds(table.snapshot.txnVersions, admin, this.#options.topics)
      .catch((error) => {
        if (fateOf(error) !== "retry") host.failed(error);
      })
      .finally(() => {
        this.#isLooking = false;
      });
  }
}
