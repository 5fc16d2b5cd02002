import { availableParallelism } from "node:os";
import { topicShapes, topicsWithPrefix } from "../../lib/contract/topics.ts";
import { openAdmin } from "../../lib/kafka/kafka-admin.ts";
import { createConsumer } from "../../lib/kafka/kafka-consumer.ts";
import { openProducer } from "../../lib/kafka/kafka-producer.ts";
import { ReadingEnd } from "../../lib/kafka/reading-end.ts";
import { loadModelFolder } from "../../lib/model/model-folder.ts";
import { systemClock } from "../../lib/runtime/clock.ts";
import { readConfig } from "../../lib/runtime/config.ts";
import { Health } from "../../lib/runtime/health.ts";
import { lowerPriority } from "../../lib/runtime/priority.ts";
import { runService } from "../../lib/runtime/service.ts";
import { closeServer, createStatusServer, listen } from "../../lib/runtime/status-server.ts";
import { WaitingRetry } from "../../lib/runtime/waiting-retry.ts";
import { s3OptionsOf } from "../../lib/store/s3-config.ts";
import { openS3ObjectStore } from "../../lib/store/s3-object-store.ts";
import { featurizerConfig } from "./config.ts";
import { decodePhoto } from "./decode-photo.ts";
import { InferencePool } from "./inference/inference-pool.ts";
import { FeaturizerPipeline } from "./pipeline.ts";

await runService("featurizer", async ({ env, logger, signal }) => {
  const config = readConfig(featurizerConfig, env, "FEATURIZER_");
  lowerPriority(config.FEATURIZER_NICE);
  const topics = topicsWithPrefix(config.TOPIC_PREFIX);
  const kafka = { brokers: config.KAFKA_BROKERS, clientId: `fruitstream-featurizer-${process.pid}` };
  const health = new Health(systemClock.nowMs, ["model", "kafka", "s3"]);
  const retry = new WaitingRetry({ clock: systemClock, health, logger });
  const server = createStatusServer(health);
  const port = await listen(server, config.HTTP_HOST, config.HTTP_PORT);

  const model = await loadModelFolder(config.FEATURIZER_MODEL_DIR);
  const workers = config.FEATURIZER_WORKERS ?? availableParallelism();
  const pool = await InferencePool.open({
    model,
    workers,
    batchPhotosMax: config.FEATURIZER_BATCH_PHOTOS_MAX,
    batchWaitMsMax: config.FEATURIZER_BATCH_WAIT_MS_MAX,
  });
  health.report("model", "ok", model.id);

  const kafkaStart = { part: "kafka", name: "start", signal } as const;
  const admin = await retry.run({ ...kafkaStart, attempt: () => openAdmin(kafka, logger) });
  const featuresPartitions = await retry.run({
    ...kafkaStart,
    attempt: async () => {
      await admin.ensureTopics(topicShapes(topics, config.TOPIC_PARTITIONS));
      return (await admin.partitionCount(topics.features))!;
    },
  });
  const store = openS3ObjectStore(s3OptionsOf(config));
  // Nothing stands against S3 so far; which buckets it must give is not known before the first photo.
  health.report("s3", "ok");
  const producer = await retry.run({ ...kafkaStart, attempt: () => openProducer(kafka, logger) });
  const consumer = createConsumer(
    { ...kafka, topic: topics.photos, group: config.FEATURIZER_GROUP, sessionMsMax: config.FEATURIZER_SESSION_MS },
    logger,
  );
  const decodeOptions = { input: model.manifest.input, pixelsMax: config.FEATURIZER_PHOTO_PIXELS_MAX };
  const pipeline = new FeaturizerPipeline(
    {
      consumer,
      committedOffsets: () => admin.committedOffsets(config.FEATURIZER_GROUP, topics.photos),
      producer,
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
      end:
        config.FEATURIZER_UNTIL && new ReadingEnd(config.FEATURIZER_UNTIL, () => admin.earliestOffsets(topics.photos)),
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
  logger.info({ model: model.id, port, topic: topics.photos, workers }, "featurizer started");

  return {
    run: () => pipeline.run(),
    async stop() {
      await pipeline.stop();
      await Promise.all([producer.close(), admin.close(), pool.close(), closeServer(server)]);
      store.close();
    },
  };
});
