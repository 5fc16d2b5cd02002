import { closeServer, createStatusServer, listen } from "#lib/http/status-server.ts";
import { kafkaRecordLog } from "#lib/log/kafka/kafka-record-log.ts";
import { systemClock } from "#lib/runtime/clock.ts";
import { readConfig } from "#lib/runtime/config.ts";
import { Health } from "#lib/runtime/health.ts";
import { lowerPriority } from "#lib/runtime/priority.ts";
import { runService } from "#lib/runtime/service.ts";
import { s3OptionsOf } from "#lib/store/s3/s3-config.ts";
import { openS3ObjectStore } from "#lib/store/s3/s3-object-store.ts";
import { composeReducer, REDUCER_PARTS } from "./compose-reducer.ts";
import { reducerConfig } from "./config.ts";

await runService("reducer", async ({ env, logger, signal }) => {
  const config = readConfig(reducerConfig, env);
  lowerPriority(config.nice);
  const health = new Health(systemClock.nowMs, REDUCER_PARTS);
  const server = createStatusServer(health);
  const port = await listen(server, config.httpHost, config.httpPort);
  logger.info({ port }, "answering for its health");

  const kafka = { brokers: config.kafkaBrokers, clientId: `fruitstream-reducer-${process.pid}` };
  const log = kafkaRecordLog(kafka, logger);
  const store = openS3ObjectStore(s3OptionsOf(config));
  const service = await composeReducer(config, { log, store, health, logger, signal });

  return {
    run: () => service.run(),
    async stop() {
      await service.stop();
      await closeServer(server);
      store.close();
    },
  };
});
