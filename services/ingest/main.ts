import { closeServer, httpUrlOf, listen } from "#lib/http/status-server.ts";
import { PhotoAnnouncer } from "#lib/intake/announce-photo.ts";
import { kafkaRecordLog } from "#lib/log/kafka/kafka-record-log.ts";
import { openPipelineLog } from "#lib/log/pipeline-log.ts";
import { topicsWithPrefix } from "#lib/messages/topics.ts";
import { systemClock } from "#lib/runtime/clock.ts";
import { readConfig } from "#lib/runtime/config.ts";
import { runService } from "#lib/runtime/service.ts";
import { WaitingRetry } from "#lib/runtime/waiting-retry.ts";
import { s3OptionsOf } from "#lib/store/s3/s3-config.ts";
import { openS3ObjectStore } from "#lib/store/s3/s3-object-store.ts";
import { ingestConfig } from "./config.ts";
import { PartWatch } from "./part-watch.ts";
import { createPhotoServer } from "./photo-server.ts";

/** Asked for to learn whether S3 answers; that nothing is there is an answer. */
const PROBED_KEY = "photos/";

await runService("ingest", ["kafka", "s3"], async ({ env, logger, health, signal, tell }) => {
  const config = readConfig(ingestConfig, env);
  const topics = topicsWithPrefix(config.topicPrefix);
  const kafka = { brokers: config.kafkaBrokers, clientId: `fruitstream-ingest-${process.pid}` };
  const retry = new WaitingRetry({ clock: systemClock, health, logger });

  const pipelineLog = await openPipelineLog(kafkaRecordLog(kafka, logger), {
    topics,
    partitions: config.topicPartitions,
    retention: config,
    logger,
    attempt: (step) => retry.run({ part: "kafka", name: "start", signal, attempt: step }),
  });
  health.report("kafka", "ok");
  const store = openS3ObjectStore(s3OptionsOf(config));
  const attempt = () => store.ensureBucket(config.photosBucket);
  await retry.run({ part: "s3", name: "start", signal, attempt });
  health.report("s3", "ok");

  const announcer = new PhotoAnnouncer((records) => pipelineLog.producer.append(topics.photos, records), systemClock);
  const watching = { clock: systemClock, health, signal };
  const watches = {
    s3: new PartWatch("s3", {
      ...watching,
      probe: () => store.head({ bucket: config.photosBucket, key: PROBED_KEY }),
    }),
    kafka: new PartWatch("kafka", { ...watching, probe: () => pipelineLog.admin.partitionCount(topics.photos) }),
  };
  const server = createPhotoServer(
    { store, announcer, clock: systemClock, health, watches, logger },
    {
      bucket: config.photosBucket,
      photoBytesMax: config.photoBytesMax,
      inFlightBytesMax: config.inFlightBytesMax,
      connectionsMax: config.connectionsMax,
      requestMsMax: config.requestMsMax,
      unlabelled: config.unlabelledFolders,
    },
  );
  const port = await listen(server, config.httpHost, config.httpPort);
  logger.info({ event: "ingest_started", port, topic: topics.photos, bucket: config.photosBucket }, "ingest started");
  tell({ kind: "listening", url: httpUrlOf(config.httpHost, port) });

  const stopped = Promise.withResolvers<void>();
  return {
    run: () => stopped.promise,
    async stop() {
      await closeServer(server);
      await pipelineLog.close();
      store.close();
      stopped.resolve();
    },
  };
});
