import { closeServer, startStatusServer } from "#lib/http/status-server.ts";
import { kafkaRecordLog } from "#lib/log/kafka/kafka-record-log.ts";
import { systemClock } from "#lib/runtime/clock.ts";
import { readConfig } from "#lib/runtime/config.ts";
import { lowerPriority } from "#lib/runtime/priority.ts";
import { runService } from "#lib/runtime/service.ts";
import { s3OptionsOf } from "#lib/store/s3/s3-config.ts";
import { openS3ObjectStore } from "#lib/store/s3/s3-object-store.ts";
import { waitedForStore } from "#lib/store/s3/waited-for-store.ts";
import { composeReducer, REDUCER_PARTS } from "./compose-reducer.ts";
import { reducerConfig } from "./config.ts";

await runService("reducer", REDUCER_PARTS, async (frame) => {
  const { env, logger, health, signal, tell } = frame;
  const config = readConfig(reducerConfig, env);
  lowerPriority(config.nice);
  const server = await startStatusServer(frame, config);

  const kafka = { brokers: config.kafkaBrokers, clientId: `fruitstream-reducer-${process.pid}` };
  const log = kafkaRecordLog(kafka, logger);
  const store = waitedForStore(openS3ObjectStore(s3OptionsOf(config)), systemClock);
  const service = await composeReducer(config, { log, store, racesPuts: true, health, logger, signal, tell });

  return {
    run: () => service.run(),
    async stop(how) {
      await service.stop(how);
      await closeServer(server);
      store.close();
    },
  };
});
