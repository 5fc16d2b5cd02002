import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FolderRecordLog } from "#lib/log/folder/folder-record-log.ts";
import { SchemaTopic } from "#lib/messages/avro/schema-topic.ts";
import { topicShapes, topicsWithPrefix } from "#lib/messages/topics.ts";
import { systemClock } from "#lib/runtime/clock.ts";
import { silentLogger } from "#lib/runtime/logger.ts";
import type { PipelineAccess } from "#ops/pipeline/pipeline-access.ts";
import { endpointsFromEnv } from "#stack/endpoints.ts";
import { createMemoryObjectStore } from "./memory-object-store.ts";

const SERVERS = { KAFKA_BROKERS: "127.0.0.1:1" };

/**
 * What an operation is given to act on a pipeline, over a log in a folder and a store in memory. No server and no service
 * is behind it.
 */
export async function openFolderPipeline(partitions: number): Promise<PipelineAccess & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), "fruitstream-pipeline-"));
  const log = await FolderRecordLog.open(folder, systemClock);
  const topics = topicsWithPrefix("test.");
  const [admin, producer] = [await log.openAdmin(), await log.openProducer()];
  await admin.ensureTopics(topicShapes(topics, partitions));
  const logger = silentLogger;
  return {
    topics,
    log,
    admin,
    producer,
    schemas: new SchemaTopic({ topic: topics.schemas, log, admin, logger }),
    env: SERVERS,
    endpoints: endpointsFromEnv(SERVERS)!,
    topicPrefix: "test.",
    store: createMemoryObjectStore(["tables"]),
    logger,
    async [Symbol.asyncDispose]() {
      log.close();
      await rm(folder, { recursive: true });
    },
  };
}
