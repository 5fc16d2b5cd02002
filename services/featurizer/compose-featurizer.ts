import { availableParallelism } from "node:os";
import { openPipelineLog } from "#lib/log/pipeline-log.ts";
import { ReadingEnd } from "#lib/log/reading-end.ts";
import type { RecordLog } from "#lib/log/record-log.ts";
import { topicProgress } from "#lib/log/topic-progress.ts";
import { topicsWithPrefix } from "#lib/messages/topics.ts";
import { InferencePool } from "#lib/model/inference/inference-pool.ts";
import { loadModelFolder } from "#lib/model/model-folder.ts";
import { decodePhoto } from "#lib/photo/decode-photo.ts";
import { systemClock } from "#lib/runtime/clock.ts";
import type { Health } from "#lib/runtime/health.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import { ProgressWatch } from "#lib/runtime/progress-watch.ts";
import type { Service } from "#lib/runtime/service.ts";
import { WaitingRetry } from "#lib/runtime/waiting-retry.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import type { FeaturizerWorkConfig } from "./config.ts";
import { FeaturizerPipeline } from "./pipeline.ts";

/** The parts of a featurizer's health report. */
export const FEATURIZER_PARTS = ["model", "kafka", "s3"] as const;

/** Nobody waits for a single vector, since windows gather them for seconds; requests cost more than they carry. */
const LINGER_MS = 50;

/** What a featurizer is composed over: servers, or a folder of this machine. */
export interface FeaturizerSurroundings {
  readonly log: RecordLog;
  /** Where the photos rest; stays the caller's to close. */
  readonly store: ObjectStore;
  readonly health: Health;
  readonly logger: Logger;
  /** Ends waiting for the log at the start. */
  readonly signal: AbortSignal;
}

/**
 * Makes a featurizer of its parts: model and inference threads, topics where they are missing, a member of the group.
 *
 * @throws invalid-model, or what the log throws for good; what was opened is closed again.
 */
export async function composeFeaturizer(
  config: FeaturizerWorkConfig,
  { log, store, health, logger, signal }: FeaturizerSurroundings,
): Promise<Service> {
  await using opened = new AsyncDisposableStack();
  const topics = topicsWithPrefix(config.TOPIC_PREFIX);
  const retry = new WaitingRetry({ clock: systemClock, health, logger });

  const model = await loadModelFolder(config.FEATURIZER_MODEL_DIR);
  const workers = config.FEATURIZER_WORKERS ?? availableParallelism();
  const pool = await InferencePool.open({
    model,
    workers,
    batchPhotosMax: config.FEATURIZER_BATCH_PHOTOS_MAX,
    batchWaitMsMax: config.FEATURIZER_BATCH_WAIT_MS_MAX,
  });
  opened.defer(() => pool.close());
  health.report("model", "ok", model.id);

  const pipelineLog = await openPipelineLog(log, {
    topics,
    partitions: config.TOPIC_PARTITIONS,
    logger,
    producer: { lingerMs: LINGER_MS },
    attempt: (step) => retry.run({ part: "kafka", name: "start", signal, attempt: step }),
  });
  opened.defer(() => pipelineLog.close());
  const { admin, producer, schemas, featuresPartitions } = pipelineLog;
  // Nothing stands against S3 so far; which buckets it must give is not known before the first photo.
  health.report("s3", "ok");
  const consumer = log.createConsumer({
    topic: topics.photos,
    group: config.FEATURIZER_GROUP,
    sessionMsMax: config.FEATURIZER_SESSION_MS,
  });
  const decodeOptions = { input: model.manifest.input, pixelsMax: config.FEATURIZER_PHOTO_PIXELS_MAX };
  const end =
    config.FEATURIZER_UNTIL && new ReadingEnd(config.FEATURIZER_UNTIL, () => admin.earliestOffsets(topics.photos));
  const pipeline = new FeaturizerPipeline(
    {
      consumer,
      committedOffsets: () => admin.committedOffsets(config.FEATURIZER_GROUP, topics.photos),
      producer,
      schemas,
      store,
      decode: (photo) => decodePhoto(photo, decodeOptions),
      infer: (photo, signal) => pool.infer(photo, signal),
      clock: systemClock,
      health,
      logger,
    },
    {
      topics,
      featuresPartitions,
      run: config.FEATURIZER_RUN,
      end,
      model: model.id,
      inFlightPhotosMax: config.FEATURIZER_IN_FLIGHT_PHOTOS_MAX,
      inFlightBytesMax: config.FEATURIZER_IN_FLIGHT_BYTES_MAX,
      photoBytesMax: config.FEATURIZER_PHOTO_BYTES_MAX,
      fetchesMax: config.FEATURIZER_FETCHES_MAX,
      decodesMax: config.FEATURIZER_DECODES_MAX,
      commitMs: config.FEATURIZER_COMMIT_MS,
      deadLetterShareMax: config.FEATURIZER_DEAD_LETTERS_PERCENT_MAX / 100,
    },
  );
  logger.info({ model: model.id, topic: topics.photos, workers }, "featurizer started");

  const watch = new ProgressWatch({ clock: systemClock, health, logger });
  const watching = new AbortController();
  const look = () => topicProgress(admin, topics.photos, pipeline.positions, end && ((partition) => end.of(partition)));

  const held = opened.move();
  return {
    run: () => {
      void watch.run(look, watching.signal);
      return pipeline.run();
    },
    async stop() {
      watching.abort();
      await pipeline.stop();
      await held.disposeAsync();
    },
  };
}
