import { topicShapes, topicsWithPrefix } from "../../lib/contract/topics.ts";
import { openAdmin } from "../../lib/kafka/kafka-admin.ts";
import { createConsumer } from "../../lib/kafka/kafka-consumer.ts";
import { openProducer } from "../../lib/kafka/kafka-producer.ts";
import { openGramKernel } from "../../lib/model/gram-kernel.ts";
import { systemClock } from "../../lib/runtime/clock.ts";
import { readConfig } from "../../lib/runtime/config.ts";
import { Health } from "../../lib/runtime/health.ts";
import { runService } from "../../lib/runtime/service.ts";
import { closeServer, createStatusServer, listen } from "../../lib/runtime/status-server.ts";
import { s3OptionsOf } from "../../lib/store/s3-config.ts";
import { openS3ObjectStore } from "../../lib/store/s3-object-store.ts";
import { openTable } from "../../lib/table/open-table.ts";
import { parseTableUri } from "../../lib/table/table-location.ts";
import { BasisKeeper } from "./basis-keeper.ts";
import { reducerConfig } from "./config.ts";
import { ReducerPipeline } from "./pipeline.ts";

/** The GEMM runs between Kafka and S3 waits; a second thread would take a core from a featurizer. */
const GRAM_THREADS = 1;

await runService("reducer", async (env, logger) => {
  const config = readConfig(reducerConfig, env, "REDUCER_");
  const topics = topicsWithPrefix(config.TOPIC_PREFIX);
  const location = parseTableUri(config.TABLE_URI);
  const kafka = { brokers: config.KAFKA_BROKERS, clientId: `fruitstream-reducer-${process.pid}` };
  const health = new Health(systemClock.nowMs, ["kafka", "s3"]);
  const server = createStatusServer(health);
  const port = await listen(server, config.HTTP_HOST, config.HTTP_PORT);

  const store = openS3ObjectStore(s3OptionsOf(config));
  await store.ensureBucket(location.bucket);
  const table = await openTable(store, location, { createIfAbsent: true, logger, clock: systemClock });
  health.report("s3", "ok");

  const admin = await openAdmin(kafka, logger);
  await admin.ensureTopics(topicShapes(topics, config.TOPIC_PARTITIONS));
  await admin.close();
  const producer = await openProducer(kafka, logger);
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
      await Promise.all([producer.close(), gram.release(), closeServer(server)]);
      store.close();
    },
  };
});
