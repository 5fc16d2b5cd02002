import { openPipelineLog } from "#lib/log/pipeline-log.ts";
import { ReadingEnd } from "#lib/log/reading-end.ts";
import type { RecordLog } from "#lib/log/record-log.ts";
import { topicProgress } from "#lib/log/topic-progress.ts";
import { topicsWithPrefix } from "#lib/messages/topics.ts";
import { openMatrixKernel } from "#lib/pca/kernel/onnx-matrix-kernel.ts";
import { systemClock } from "#lib/runtime/clock.ts";
import type { Health } from "#lib/runtime/health.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import { ProgressWatch } from "#lib/runtime/progress-watch.ts";
import type { Service } from "#lib/runtime/service.ts";
import type { TellStarter } from "#lib/runtime/service-message.ts";
import { WaitingRetry } from "#lib/runtime/waiting-retry.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import { openTable } from "#lib/table/open-table.ts";
import { askedPartitioning } from "#lib/table/partitioning.ts";
import { parseTableUri } from "#lib/table/table-location.ts";
import { type ReducerWorkConfig, reducerGroup } from "./config.ts";
import { createReducer } from "./reducer.ts";

/** The parts of a reducer's health report. */
export const REDUCER_PARTS = ["kafka", "s3"] as const;

/** GEMMs run between Kafka and S3 waits; a second thread would take a core from a featurizer. */
const KERNEL_THREADS = 1;
/** Vectors gather into windows for seconds anyway: fetched one by one they would cost broker and client a multiple. */
const GATHER_BYTES_MIN = 65_536;

const DAY_MS = 24 * 3_600_000;

/** What a reducer is composed over: servers, or a folder of this machine. */
export interface ComposeReducerDeps {
  readonly log: RecordLog;
  /** Where the table lies; stays the caller's to close. */
  readonly store: ObjectStore;
  /** Puts the store to the test before commits are entrusted to it: for a server that others have built. */
  readonly racesPuts?: boolean;
  readonly health: Health;
  readonly logger: Logger;
  /** Ends waiting for log and store at the start. */
  readonly signal: AbortSignal;
  /** Told of each commit, and of what came of all records at the end. */
  readonly tell?: TellStarter;
}

/**
 * Makes a reducer of its parts: the table and the topics where they are missing, the moments, a member of the group.
 *
 * @throws invalid-table, or what log and store throw for good; what was opened is closed again.
 */
export async function composeReducer(
  config: ReducerWorkConfig,
  { log, store, racesPuts = false, health, logger, signal, tell }: ComposeReducerDeps,
): Promise<Service> {
  await using opened = new AsyncDisposableStack();
  const topics = topicsWithPrefix(config.topicPrefix);
  const location = parseTableUri(config.tableUri);
  const partitioning = askedPartitioning(config);
  const retry = new WaitingRetry({ clock: systemClock, health, logger });

  const table = await retry.run({
    ...{ part: "s3", name: "start", signal },
    attempt: async () => {
      await store.ensureBucket(location.bucket);
      const options = { createIfAbsent: true, racesPuts, logger, clock: systemClock, partitioning };
      return openTable(store, location, options);
    },
  });
  health.report("s3", "ok");

  const pipelineLog = await openPipelineLog(log, {
    topics,
    partitions: config.topicPartitions,
    retention: config,
    logger,
    attempt: (step) => retry.run({ part: "kafka", name: "start", signal, attempt: step }),
  });
  opened.defer(() => pipelineLog.close());
  const { admin, producer, schemas, forgotten, featuresPartitions } = pipelineLog;
  const consumer = log.createConsumer({
    topic: topics.features,
    group: reducerGroup(config),
    sessionMsMax: config.sessionMs,
    gatherBytesMin: GATHER_BYTES_MIN,
  });
  const kernel = await openMatrixKernel(KERNEL_THREADS);
  opened.defer(() => kernel.release());
  const end = config.until && new ReadingEnd(config.until, () => admin.earliestOffsets(topics.features));
  const reducer = createReducer(
    {
      ...{ consumer, producer, admin, schemas, forgotten, table, kernel, health, logger, tell },
      clock: systemClock,
    },
    {
      topics,
      featuresPartitions,
      end,
      vectorValuesMax: config.vectorValuesMax,
      models: config.models,
      window: {
        rowsMax: config.windowRowsMax,
        bytesMax: config.windowBytesMax,
        openMsMax: config.windowMsMax,
      },
      photoVersions: { countMax: config.photoVersionsMax, ageMsMax: config.photoVersionsDaysMax * DAY_MS },
      components: config.components,
      angleDegreesMax: config.basisAngleDegreesMax,
    },
  );
  const { version } = table.snapshot;
  const fields = { event: "reducer_started", table: config.tableUri, version, topic: topics.features };
  logger.info(fields, "reducer started");

  const watch = new ProgressWatch({ clock: systemClock, health, logger }, config.windowMsMax);
  const watching = new AbortController();
  const look = () =>
    topicProgress(admin, topics.features, reducer.positions, end && ((partition) => end.of(partition)));

  const held = opened.move();
  return {
    run: () => {
      void watch.run(look, watching.signal);
      return reducer.run();
    },
    async stop(how) {
      watching.abort();
      try {
        await reducer.stop(how);
      } finally {
        await held.disposeAsync();
      }
    },
  };
}
