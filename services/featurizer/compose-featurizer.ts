import { availableParallelism } from "node:os";
import { openPipelineLog } from "#lib/log/pipeline-log.ts";
import { ReadingEnd } from "#lib/log/reading-end.ts";
import type { RecordLog } from "#lib/log/record-log.ts";
import { topicProgress } from "#lib/log/topic-progress.ts";
import { topicsWithPrefix } from "#lib/messages/topics.ts";
import { InferencePool } from "#lib/model/inference/inference-pool.ts";
import { loadModelFolder } from "#lib/model/model-folder.ts";
import { checkPhoto } from "#lib/photo/check-photo.ts";
import { GuardedDecoder } from "#lib/photo/guarded-decoder.ts";
import { systemClock } from "#lib/runtime/clock.ts";
import type { Health } from "#lib/runtime/health.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import { ProgressWatch } from "#lib/runtime/progress-watch.ts";
import type { Service } from "#lib/runtime/service.ts";
import { WaitingRetry } from "#lib/runtime/waiting-retry.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import { type FeaturizerWorkConfig, featurizerGroup } from "./config.ts";
import { createFeaturizer } from "./featurizer.ts";
import { countCpu } from "./measure.ts";

/** The parts of a featurizer's health report. */
export const FEATURIZER_PARTS = ["model", "kafka", "s3"] as const;

/** Nobody waits for a single vector, since windows gather them for seconds; requests cost more than they carry. */
const LINGER_MS = 50;

/** Where nobody says how many: each takes memory, and a decoder fills a core. */
const DECODER_PROCESSES_MAX = 4;

/** What a featurizer is composed over: servers, or a folder of this machine. */
export interface ComposeFeaturizerDeps {
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
  { log, store, health, logger, signal }: ComposeFeaturizerDeps,
): Promise<Service> {
  await using opened = new AsyncDisposableStack();
  const topics = topicsWithPrefix(config.topicPrefix);
  const group = featurizerGroup(config);
  const retry = new WaitingRetry({ clock: systemClock, health, logger });

  const model = await loadModelFolder(config.modelDir);
  const workers = config.workers ?? availableParallelism();
  const pool = await InferencePool.open({
    model,
    workers,
    batchPhotosMax: config.batchPhotosMax,
    batchWaitMsMax: config.batchWaitMsMax,
  });
  opened.defer(() => pool.close());
  health.report("model", "ok", model.id);

  const pipelineLog = await openPipelineLog(log, {
    topics,
    partitions: config.topicPartitions,
    retention: config,
    logger,
    producer: { lingerMs: LINGER_MS },
    attempt: (step) => retry.run({ part: "kafka", name: "start", signal, attempt: step }),
  });
  opened.defer(() => pipelineLog.close());
  const { admin, producer, schemas, forgotten } = pipelineLog;
  // Nothing stands against S3 so far; which buckets it must give is not known before the first photo.
  health.report("s3", "ok");
  const consumer = log.createConsumer({
    topic: topics.photos,
    group,
    sessionMsMax: config.sessionMs,
  });
  const limits = {
    pixelsMax: config.photoPixelsMax,
    decodeBytesMax: config.decodeBytesMax,
    scansMax: config.jpegScansMax,
  };
  const decoder = new GuardedDecoder({
    decode: { input: model.manifest.input, limits },
    decodesMax: config.decodesMax,
    processesMax: config.decoderProcessesMax ?? Math.min(DECODER_PROCESSES_MAX, availableParallelism()),
    decodeMsMax: config.decodeMsMax,
    measure: (work) => countCpu("decode", work),
  });
  opened.defer(() => decoder.close());
  const end = config.until && new ReadingEnd(config.until, () => admin.earliestOffsets(topics.photos));
  const featurizer = createFeaturizer(
    {
      consumer,
      committedOffsets: () => admin.committedOffsets(group, topics.photos),
      featuresPartitions: () => admin.partitionCount(topics.features),
      producer,
      schemas,
      forgotten,
      store,
      decode: async (photo) => {
        const checked = checkPhoto(photo, limits);
        return { decoded: await decoder.decode(photo, checked), exif: checked.header.exif };
      },
      infer: (photo, signal) => pool.infer(photo, signal),
      clock: systemClock,
      health,
      logger,
    },
    {
      topics,
      run: config.run,
      buckets: new Set(config.buckets ?? [config.photosBucket]),
      end,
      model: model.id,
      inFlightPhotosMax: config.inFlightPhotosMax,
      inFlightBytesMax: config.inFlightBytesMax,
      photoBytesMax: config.photoBytesMax,
      fetchesMax: config.fetchesMax,
      commitMs: config.commitMs,
      deadLetterShareMax: config.deadLettersPercentMax / 100,
    },
  );
  const fields = { event: "featurizer_started", model: model.id, topic: topics.photos, workers };
  logger.info(fields, "featurizer started");

  const watch = new ProgressWatch({ clock: systemClock, health, logger });
  const watching = new AbortController();
  const look = () =>
    topicProgress(admin, topics.photos, featurizer.positions, end && ((partition) => end.of(partition)));

  const held = opened.move();
  return {
    run: () => {
      void watch.run(look, watching.signal);
      return featurizer.run();
    },
    async stop(how) {
      watching.abort();
      try {
        await featurizer.stop(how);
      } finally {
        await held.disposeAsync();
      }
    },
  };
}
