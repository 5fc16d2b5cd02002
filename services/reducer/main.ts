import { topicShapes, topicsWithPrefix } from "../../lib/contract/topics.ts";
import { openAdmin } from "../../lib/kafka/kafka-admin.ts";
import { createConsumer } from "../../lib/kafka/kafka-consumer.ts";
import { openProducer } from "../../lib/kafka/kafka-producer.ts";
import { ReadingEnd } from "../../lib/kafka/reading-end.ts";
import { openGramKernel } from "../../lib/model/onnx-gram-kernel.ts";
import { systemClock } from "../../lib/runtime/clock.ts";
import { readConfig } from "../../lib/runtime/config.ts";
import { Health } from "../../lib/runtime/health.ts";
import { lowerPriority } from "../../lib/runtime/priority.ts";
import { runService } from "../../lib/runtime/service.ts";
import { closeServer, createStatusServer, listen } from "../../lib/runtime/status-server.ts";
import { WaitingRetry } from "../../lib/runtime/waiting-retry.ts";
import { s3OptionsOf } from "../../lib/store/s3-config.ts";
import { openS3ObjectStore } from "../../lib/store/s3-object-store.ts";
import { openTable } from "../../lib/table/open-table.ts";
import { parseTableUri } from "../../lib/table/table-location.ts";
import { BasisKeeper } from "./basis-keeper.ts";
import { reducerConfig } from "./config.ts";
import { ReducerPipeline } from "./pipeline.ts";

/** The GEMM runs between Kafka and S3 waits; a second thread would take a core from a featurizer. */
const GRAM_THREADS = 1;

await runService("reducer", async ({ env, logger, signal }) => {
  const config = readConfig(reducerConfig, env, "REDUCER_");
  lowerPriority(config.REDUCER_NICE);
  const topics = topicsWithPrefix(config.TOPIC_PREFIX);
  const location = parseTableUri(config.TABLE_URI);
  const kafka = { brokers: config.KAFKA_BROKERS, clientId: `fruitstream-reducer-${process.pid}` };
  const health = new Health(systemClock.nowMs, ["kafka", "s3"]);
  const retry = new WaitingRetry({ clock: systemClock, health, logger });
  const server = createStatusServer(health);
  const port = await listen(server, config.HTTP_HOST, config.HTTP_PORT);

  const store = openS3ObjectStore(s3OptionsOf(config));
  const table = await retry.run({
    ...{ part: "s3", name: "start", signal },
    attempt: async () => {
      await store.ensureBucket(location.bucket);
      return openTable(store, location, { createIfAbsent: true, logger, clock: systemClock });
    },
  });
  health.report("s3", "ok");

  const kafkaStart = { part: "kafka", name: "start", signal } as const;
  const admin = await retry.run({ ...kafkaStart, attempt: () => openAdmin(kafka, logger) });
  const featuresPartitions = await retry.run({
    ...kafkaStart,
    attempt: async () => {
      await admin.ensureTopics(topicShapes(topics, config.TOPIC_PARTITIONS));
      return (await admin.partitionCount(topics.features))!;
    },
  });
  const producer = await retry.run({ ...kafkaStart, attempt: () => openProducer(kafka, logger) });
  const consumer = createConsumer(
    { ...kafka, topic: topics.features, group: config.REDUCER_GROUP, sessionMsMax: config.REDUCER_SESSION_MS },
    logger,
  );
  const gram = await openGramKernel(GRAM_THREADS);
  const keeper = new BasisKeeper(table, gram, {
    components: config.REDUCER_COMPONENTS,
    angleDegreesMax: config.REDUCER_BASIS_ANGLE_DEGREES_MAX,
  });
  const pipeline = new ReducerPipeline(
    { consumer, producer, table, keeper, clock: systemClock, health, logger },
    {
      topics,
      featuresPartitions,
      end: config.REDUCER_UNTIL && new ReadingEnd(config.REDUCER_UNTIL, () => admin.earliestOffsets(topics.features)),
      window: {
        rowsMax: config.REDUCER_WINDOW_ROWS_MAX,
        bytesMax: config.REDUCER_WINDOW_BYTES_MAX,
        openMsMax: config.REDUCER_WINDOW_MS_MAX,
      },
    },
  );
  logger.info(
    { table: config.TABLE_URI, version: table.snapshot.version, port, topic: topics.features },
    "reducer started",
  );

  return {
    run: () => pipeline.run(),
    async stop() {
      await pipeline.stop();
      await Promise.all([producer.close(), admin.close(), gram.release(), closeServer(server)]);
      store.close();
    },
  };
});
