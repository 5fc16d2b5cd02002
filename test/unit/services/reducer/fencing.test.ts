import { expect, test } from "vitest";
import type { ConsumerHandlers, LogRecord, RecordConsumer } from "#lib/log/record-log.ts";
import { photoFeaturesCodec } from "#lib/messages/avro/avro-codec.ts";
import { topicsWithPrefix } from "#lib/messages/topics.ts";
import { systemClock } from "#lib/runtime/clock.ts";
import { Health } from "#lib/runtime/health.ts";
import { silentLogger } from "#lib/runtime/logger.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import { openTable } from "#lib/table/open-table.ts";
import { TableProgress } from "#lib/table/table-progress.ts";
import { BasisKeeper } from "#services/reducer/basis-keeper.ts";
import { ReducerPipeline } from "#services/reducer/pipeline.ts";
import { createMemoryObjectStore } from "../../../fakes/memory-object-store.ts";
import { MemoryRecordLog } from "../../../fakes/memory-record-log.ts";
import { loopKernel } from "../../lib/pca/loop-kernel.ts";

const topics = topicsWithPrefix("");
const location = { bucket: "b", prefix: "table" };

test("records handed over while a fenced reducer rereads the table are of the old place, and are dropped", async () => {
  const memory = createMemoryObjectStore(["b"]);
  const late = Promise.withResolvers<void>();
  let isFenced = false;
  let handedOver: Promise<void> | undefined;
  const store: ObjectStore = {
    ...memory,
    get: async (object, options) => {
      if (isFenced && !handedOver)
        handedOver = consumer.handlers.records(
          1,
          [2, 3, 4, 5].map((n) => record(1, n)),
        );
      return memory.get(object, options);
    },
  };
  const consumer = handDrivenConsumer();
  const table = await openTable(store, location, { createIfAbsent: true });
  const logger = {
    ...silentLogger,
    info: () => undefined,
    debug: () => undefined,
    error: () => undefined,
    warn: (_bindings: unknown, message?: string) => {
      if (message?.startsWith("fenced")) isFenced = true;
    },
  };
  const pipeline = new ReducerPipeline(
    {
      consumer,
      producer: new MemoryRecordLog(),
      schemas: { learn: async () => undefined },
      table,
      keeper: new BasisKeeper(table, loopKernel, { components: 2, angleDegreesMax: 5 }),
      clock: { ...systemClock, sleep: () => late.promise },
      health: new Health(systemClock.nowMs, []),
      logger: logger as unknown as typeof silentLogger,
    },
    { topics, featuresPartitions: 2, window: { rowsMax: 4, bytesMax: 1e6, openMsMax: 1e6 } },
  );
  pipeline.run().catch(late.reject);
  await consumer.handlers.assigned([0, 1]);
  await consumer.handlers.records(0, [record(0, 0)]);
  await consumer.handlers.records(1, [record(1, 0), record(1, 1)]);

  // Another member has taken partition 0 over and committed its first record.
  const appId = new TableProgress(topics.features, new Map()).offsetAppId(0);
  const successor = await openTable(memory, location);
  const move = { txns: [{ appId, version: 1 }], baseTxns: new Map([[appId, undefined]]) };
  await successor.commit({ commitId: "successor", operation: "STREAMING UPDATE", adds: [], ...move });

  await consumer.handlers.records(0, [record(0, 1)]);
  await handedOver;
  expect(isFenced).toBe(true);
  expect(consumer.seeks).toEqual(["0@1", "1@0"]);

  // What the seeks lead to: partition 1 from its beginning.
  await consumer.handlers.records(
    1,
    [0, 1, 2, 3].map((offset) => record(1, offset)),
  );
  const progress = new TableProgress(topics.features, (await openTable(memory, location)).snapshot.txnVersions);
  expect(progress.nextOffset(1)).toBe(4);
  expect([...(await openTable(memory, location)).snapshot.files.values()]).toHaveLength(1);
});

/** A consumer whose records the test hands over itself. */
function handDrivenConsumer(): RecordConsumer & { handlers: ConsumerHandlers; seeks: string[] } {
  const consumer = {
    handlers: undefined as unknown as ConsumerHandlers,
    seeks: [] as string[],
    run: (handlers: ConsumerHandlers) => {
      consumer.handlers = handlers;
      return new Promise<void>(() => undefined);
    },
    seek: (partition: number, offset: number) => void consumer.seeks.push(`${partition}@${offset}`),
    commit: async () => undefined,
    stop: async () => undefined,
  };
  return consumer;
}

function record(partition: number, offset: number): LogRecord {
  const value = photoFeaturesCodec.encode({
    run: "live",
    sourceTopic: "photos",
    sourcePartition: partition,
    sourceOffset: offset,
    model: "m",
    bucket: "b",
    key: `${partition}/${offset}.jpg`,
    etag: "e",
    label: null,
    widthPx: 1,
    heightPx: 1,
    capturedAtMs: 1_700_000_000_000,
    ingestedAtMs: 1_700_000_000_000,
    featurizedAtMs: 1_700_000_000_000,
    features: Float32Array.from([offset, partition, offset * offset]),
    predictions: null,
    traceparent: null,
  });
  return { topic: topics.features, partition, offset, key: null, value };
}
