import type { RecordLog } from "#lib/log/record-log.ts";
import { systemClock } from "#lib/runtime/clock.ts";
import { Health } from "#lib/runtime/health.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import type { Service } from "#lib/runtime/service.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import { composeFeaturizer, FEATURIZER_PARTS } from "#services/featurizer/compose-featurizer.ts";
import type { FeaturizerWorkConfig } from "#services/featurizer/config.ts";
import { composeReducer, REDUCER_PARTS } from "#services/reducer/compose-reducer.ts";
import type { ReducerWorkConfig } from "#services/reducer/config.ts";

/** What services in this process work on. All of it stays the caller's to close, after the services have stopped. */
export interface EmbeddedSurroundings {
  readonly featurizer: FeaturizerWorkConfig;
  readonly reducer: ReducerWorkConfig;
  readonly log: RecordLog;
  readonly photoStore: ObjectStore;
  readonly tableStore: ObjectStore;
  readonly loggerOf: (service: string) => Logger;
  readonly signal: AbortSignal;
}

export interface EmbeddedServices {
  /** Rejects when a service can't go on. */
  readonly failure: Promise<never>;
  /** Lets the featurizer finish what it has in flight and the reducer commit what it has read, within seconds. */
  stop(): Promise<void>;
}

/**
 * Starts a featurizer and a reducer in this process: the ones that run as processes elsewhere, with inference on threads
 * of its own, and without their HTTP servers.
 */
export async function startEmbeddedServices(surroundings: EmbeddedSurroundings): Promise<EmbeddedServices> {
  const { log, photoStore, tableStore, signal } = surroundings;
  const frame = (service: string, parts: readonly string[]) => ({
    log,
    logger: surroundings.loggerOf(service),
    health: new Health(systemClock.nowMs, parts),
    signal,
  });

  const reducer = await composeReducer(surroundings.reducer, { ...frame("reducer", REDUCER_PARTS), store: tableStore });
  let featurizer: Service;
  try {
    const parts = { ...frame("featurizer", FEATURIZER_PARTS), store: photoStore };
    featurizer = await composeFeaturizer(surroundings.featurizer, parts);
  } catch (error) {
    await reducer.stop();
    throw error;
  }
  // Neither ends by itself, and after `stop` nobody waits for a failure any more.
  const forever = new Promise<never>(() => {});
  const failure = Promise.race([featurizer.run().then(() => forever), reducer.run().then(() => forever)]);
  failure.catch(() => undefined);
  return {
    failure,
    async stop() {
      try {
        await featurizer.stop();
      } finally {
        await reducer.stop();
      }
    },
  };
}
