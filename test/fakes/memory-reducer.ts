import { ForgottenTopic } from "#lib/messages/forgotten-topic.ts";
import type { Topics } from "#lib/messages/topics.ts";
import { systemClock } from "#lib/runtime/clock.ts";
import { Health } from "#lib/runtime/health.ts";
import { silentLogger } from "#lib/runtime/logger.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import { openTable } from "#lib/table/open-table.ts";
import type { TableLocation } from "#lib/table/table-location.ts";
import { createReducer } from "#services/reducer/reducer.ts";
import { loopKernel } from "../unit/lib/pca/loop-kernel.ts";
import type { MemoryRecordLog } from "./memory-record-log.ts";

export interface MemoryReducerDeps {
  readonly log: MemoryRecordLog;
  readonly store: ObjectStore;
  readonly location: TableLocation;
  readonly topics: Topics;
}

/** A reducer at work on a log and a store in memory, with small windows; `running` rejects with what ends it. */
export async function startMemoryReducer({ log, store, location, topics }: MemoryReducerDeps, openMsMax = 20) {
  const table = await openTable(store, location, { createIfAbsent: true });
  const reducer = createReducer(
    {
      consumer: log.consumer("reducers", topics.features),
      producer: log,
      schemas: { learn: async () => undefined },
      admin: log,
      forgotten: new ForgottenTopic({ topic: topics.forgotten, log, admin: log, logger: silentLogger }),
      table,
      kernel: loopKernel,
      clock: systemClock,
      health: new Health(systemClock.nowMs, []),
      logger: silentLogger,
    },
    {
      topics,
      featuresPartitions: (await log.partitionCount(topics.features))!,
      window: { rowsMax: 5, bytesMax: 1e6, openMsMax },
      photoVersions: { countMax: 1_000, ageMsMax: Number.MAX_SAFE_INTEGER },
      components: 2,
      vectorValuesMax: 16,
      angleDegreesMax: 5,
    },
  );
  const running = reducer.run();
  running.catch(() => undefined);
  return { running, stop: () => reducer.stop() };
}
