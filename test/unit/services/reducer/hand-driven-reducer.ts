import type { ConsumerHandlers, LogRecord, RecordConsumer } from "#lib/log/record-log.ts";
import { photoFeaturesCodec } from "#lib/messages/avro/avro-codec.ts";
import { ForgottenPhotos } from "#lib/messages/forgotten-photos.ts";
import type { ForgottenTopic } from "#lib/messages/forgotten-topic.ts";
import type { PhotoFeatures } from "#lib/messages/messages.ts";
import { topicsWithPrefix } from "#lib/messages/topics.ts";
import { systemClock } from "#lib/runtime/clock.ts";
import { Health } from "#lib/runtime/health.ts";
import { silentLogger } from "#lib/runtime/logger.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import { openTable } from "#lib/table/open-table.ts";
import { createReducer } from "#services/reducer/reducer.ts";
import type { SameTopicsDeps } from "#services/reducer/same-topics.ts";
import { MemoryRecordLog } from "../../../fakes/memory-record-log.ts";
import { loopKernel } from "../../lib/pca/loop-kernel.ts";

export const topics = topicsWithPrefix("");
export const location = { bucket: "b", prefix: "table" };

/** A reducer whose assignments, records and looks at the table come when the test says so, and at no other time. */
export interface HandDrivenReducer {
  readonly handlers: ConsumerHandlers;
  /** Where it went to read on by itself, as partition@offset. */
  readonly seeks: readonly string[];
  /** Gives it these partitions, of which it reads on from where it says. */
  assign(partitions: readonly number[]): Promise<ReadonlyMap<number, number>>;
  /** Hands over the next records that the partition has, so many at most; none where it is not assigned. */
  read(partition: number, count: number): Promise<void>;
  /** Has it look at the age of its window and at the others' commits, as it does by itself now and then. */
  look(): void;
  /** Called with each warning. */
  onWarning: (message: string) => void;
}

/**
 * @param partitions of the features topic: what each holds.
 * @param admin what the topics are like, if they are not always there with 2 partitions of features and 4 of photos.
 */
export async function handDrivenReducer(
  store: ObjectStore,
  partitions: readonly (readonly LogRecord[])[],
  rowsMax = Number.POSITIVE_INFINITY,
  admin: Partial<SameTopicsDeps> = {},
  forgotten: Pick<ForgottenTopic, "photos" | "refresh"> = {
    photos: new ForgottenPhotos(),
    refresh: async () => undefined,
  },
): Promise<HandDrivenReducer> {
  const table = await openTable(store, location, { createIfAbsent: true });
  const positions = new Map<number, number>();
  const seeks: string[] = [];
  let handlers: ConsumerHandlers | undefined;
  const consumer: RecordConsumer = {
    run: (given) => {
      handlers = given;
      return new Promise<void>(() => undefined);
    },
    seek: (partition, offset) => {
      seeks.push(`${partition}@${offset}`);
      positions.set(partition, offset);
    },
    commit: async () => undefined,
    stop: async () => undefined,
  };
  const failure = Promise.withResolvers<never>();
  failure.promise.catch(() => undefined);
  let look: () => void = () => undefined;
  const clock = {
    ...systemClock,
    sleep: () => {
      const next = Promise.withResolvers<void>();
      look = next.resolve;
      return next.promise;
    },
  };
  const reducer: HandDrivenReducer = {
    get handlers() {
      return handlers!;
    },
    seeks,
    assign: async (owned) => {
      const starts = await Promise.race([handlers!.assigned(owned), failure.promise]);
      positions.clear();
      for (const [partition, start] of starts) positions.set(partition, start);
      return starts;
    },
    read: async (partition, count) => {
      const position = positions.get(partition);
      const records = position === undefined ? [] : (partitions[partition] ?? []).slice(position, position + count);
      if (records.length === 0) return;
      positions.set(partition, position! + records.length);
      await Promise.race([handlers!.records(partition, records), failure.promise]);
    },
    look: () => look(),
    onWarning: () => undefined,
  };
  const logger = {
    ...silentLogger,
    info: () => undefined,
    debug: () => undefined,
    error: () => undefined,
    warn: (_bindings: unknown, message = "") => reducer.onWarning(message),
  };
  const pipeline = createReducer(
    {
      consumer,
      producer: new MemoryRecordLog(),
      schemas: { learn: async () => undefined },
      forgotten,
      admin: {
        partitionCount: async (topic) => (topic === topics.photos ? 4 : 2),
        topicIds: async (asked) => new Map(asked.map((topic) => [topic, `the only ${topic}`])),
        endOffsets: async () => [0, 1, 2, 3].map((partition) => ({ partition, offset: 1_000_000 })),
        ...admin,
      },
      table,
      kernel: loopKernel,
      clock,
      health: new Health(systemClock.nowMs, []),
      logger: logger as unknown as typeof silentLogger,
    },
    {
      topics,
      featuresPartitions: 2,
      window: { rowsMax, bytesMax: 1e6, openMsMax: 1e6 },
      photoVersions: { countMax: 1_000, ageMsMax: Number.MAX_SAFE_INTEGER },
      components: 2,
      vectorValuesMax: 16,
      angleDegreesMax: 5,
    },
  );
  pipeline.run().catch(failure.reject);
  return reducer;
}

/** The vector of source offset `sourceOffset`, at this place of the features topic. */
export function featuresRecord(
  partition: number,
  offset: number,
  sourceOffset = offset,
  changes: Partial<PhotoFeatures> = {},
): LogRecord {
  const value = photoFeaturesCodec.encode({
    run: "live",
    sourceTopic: "photos",
    sourcePartition: partition,
    sourceOffset,
    model: "m-0123456789ab",
    bucket: "photos",
    key: `${partition}/${sourceOffset}.jpg`,
    etag: "e",
    label: null,
    widthPx: 1,
    heightPx: 1,
    capturedAtMs: 1_700_000_000_000,
    capturedAtSource: "object",
    ingestedAtMs: 1_700_000_000_000,
    featurizedAtMs: 1_700_000_000_000,
    features: Float32Array.from([sourceOffset, partition, sourceOffset * sourceOffset]),
    predictions: null,
    traceparent: null,
    ...changes,
  });
  return { topic: topics.features, partition, offset, key: null, value };
}
