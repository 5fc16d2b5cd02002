import { availableParallelism } from "node:os";
import { topicShapes, topicsWithPrefix } from "../../lib/contract/topics.ts";
import { openAdmin } from "../../lib/kafka/kafka-admin.ts";
import { createConsumer } from "../../lib/kafka/kafka-consumer.ts";
import { openProducer } from "../../lib/kafka/kafka-producer.ts";
import { loadModelFolder } from "../../lib/model/model-folder.ts";
import { systemClock } from "../../lib/runtime/clock.ts";
import { readConfig } from "../../lib/runtime/config.ts";
import { Health } from "../../lib/runtime/health.ts";
import { runService } from "../../lib/runtime/service.ts";
import { closeServer, createStatusServer, listen } from "../../lib/runtime/status-server.ts";
import { s3OptionsOf } from "../../lib/store/s3-config.ts";
import { openS3ObjectStore } from "../../lib/store/s3-object-store.ts";
import { featurizerConfig } from "./config.ts";
import { decodePhoto } from "./decode-photo.ts";
import { InferencePool } from "./inference/inference-pool.ts";
import { FeaturizerPipeline } from "./pipeline.ts";

await runService("featurizer", async (env, logger) => {
  const config = readConfig(featurizerConfig, env, "FEATURIZER_");
  const topics = topicsWithPrefix(config.TOPIC_PREFIX);
  const kafka = { brokers: config.KAFKA_BROKERS, clientId: `fruitstream-featurizer-${process.pid}` };
  const health = new Health(systemClock.nowMs, ["model", "kafka", "s3"]);
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

  const admin = await openAdmin(kafka, logger);
  await admin.ensureTopics(topicShapes(topics, config.TOPIC_PARTITIONS));
  const featuresPartitions = (await admin.partitionCount(topics.features))!;
  await admin.close();
  const store = openS3ObjectStore(s3OptionsOf(config));
  health.report("s3", "ok");
  const producer = await openProducer(kafka, logger);
  const consumer = createConsumer(
    { ...kafka, topic: topics.photos, group: config.FEATURIZER_GROUP, sessionMsMax: config.FEATURIZER_SESSION_MS },
    logger,
  );
  const decodeOptions = { input: model.manifest.input, pixelsMax: config.FEATURIZER_PHOTO_PIXELS_MAX };
  const pipeline = new FeaturizerPipeline(
    {
      consumer,
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
      model: model.id,
      inFlightPhotosMax: config.FEATURIZER_IN_FLIGHT_PHOTOS_MAX,
      inFlightBytesMax: config.FEATURIZER_IN_FLIGHT_BYTES_MAX,
      photoBytesMax: config.FEATURIZER_PHOTO_BYTES_MAX,
      fetchesMax: config.FEATURIZER_FETCHES_MAX,
      decodesMax: config.FEATURIZER_DECODES_MAX,
      commitMs: config.FEATURIZER_COMMIT_MS,
    },
  );
  logger.info({ model: model.id, port, topic: topics.photos, workers }, "featurizer started");

  return {
    run: () => pipeline.run(),
    async stop() {
      await pipeline.stop();
      await Promise.all([producer.close(), pool.close(), closeServer(server)]);
      store.close();
    },
  };
});
