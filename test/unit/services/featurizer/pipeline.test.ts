import fc from "fast-check";
import { expect, test } from "vitest";
import { deadLetterCodec, photoArrivedCodec, photoFeaturesCodec } from "../../../../lib/contract/avro-codec.ts";
import { topicShapes, topicsWithPrefix } from "../../../../lib/contract/topics.ts";
import type { RecordProducer } from "../../../../lib/kafka/record-log.ts";
import { systemClock } from "../../../../lib/runtime/clock.ts";
import { FruitstreamError } from "../../../../lib/runtime/errors.ts";
import { Health } from "../../../../lib/runtime/health.ts";
import { silentLogger } from "../../../../lib/runtime/logger.ts";
import type { ObjectStore } from "../../../../lib/store/object-store.ts";
import type { DecodedPhoto } from "../../../../services/featurizer/decode-photo.ts";
import { FeaturizerPipeline } from "../../../../services/featurizer/pipeline.ts";
import { createMemoryObjectStore } from "../../../fakes/memory-object-store.ts";
import { MemoryRecordLog } from "../../../fakes/memory-record-log.ts";

const topics = topicsWithPrefix("");
const GROUP = "featurizers";
const SOURCE_PARTITIONS = 3;
const FEATURES_PARTITIONS = 2;

/** What a photo of the test is like, by its first byte. */
const FINE = 0;
const CORRUPT = 1;
type Kind = typeof FINE | typeof CORRUPT | "missing" | "poison";

const kinds = fc.array(
  fc.oneof({ weight: 6, arbitrary: fc.constant<Kind>(FINE) }, fc.constantFrom<Kind[]>(CORRUPT, "missing", "poison")),
  { minLength: 1, maxLength: 40 },
);

test("each photo is published or dead-lettered, in source order, through crashes, rebalances and slow stages", async () => {
  await fc.assert(
    fc.asyncProperty(
      kinds,
      fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 3 }),
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 1, max: 2 }),
      async (photos, crashesAtAppend, inFlightPhotosMax, members) => {
        const world = await createWorld(photos);
        for (const crashAtAppend of crashesAtAppend) {
          const dead = new FruitstreamError("access-denied", "the process is dead");
          const pipeline = world.start(inFlightPhotosMax, breakingAt(world.log, crashAtAppend, dead));
          await Promise.race([pipeline.running, world.untilDone(pipeline.over)]).catch((error) =>
            expect(error).toBe(dead),
          );
          await pipeline.end();
        }
        const pipelines = Array.from({ length: members }, () => world.start(inFlightPhotosMax, world.log));
        await Promise.race([world.untilDone(), ...pipelines.map(({ running }) => running)]);
        await Promise.all(pipelines.map((pipeline) => pipeline.end()));
        world.expectAllThere();
      },
    ),
    { numRuns: 60 },
  );
});

test("a store that is away is waited for, and said to be waited for", async () => {
  const world = await createWorld([FINE, FINE]);
  let failures = 3;
  const flaky: ObjectStore = {
    ...world.store,
    get: (location, options) => {
      failures -= 1;
      if (failures >= 0) return Promise.reject(new FruitstreamError("store-unavailable", "503 SlowDown"));
      return world.store.get(location, options);
    },
  };
  const reports: string[] = [];
  const health = new Health(systemClock.nowMs, []);
  const report = health.report.bind(health);
  health.report = (part, state, detail) => {
    reports.push(`${part} ${state}`);
    report(part, state, detail);
  };
  const pipeline = world.start(8, world.log, flaky, health);
  await Promise.race([world.untilDone(), pipeline.running]);
  await pipeline.end();
  world.expectAllThere();
  expect(reports).toContain("s3 waiting");
  expect(health.parts.s3?.state).toBe("ok");
});

test("never more photos are in flight than the budget allows, however slow publishing is", async () => {
  const world = await createWorld(Array.from({ length: 30 }, () => FINE));
  let inFlight = 0;
  let inFlightMost = 0;
  const counting: ObjectStore = {
    ...world.store,
    get: async (location, options) => {
      inFlight += 1;
      inFlightMost = Math.max(inFlightMost, inFlight);
      return world.store.get(location, options);
    },
  };
  const slow: RecordProducer = {
    append: async (topic, records) => {
      for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
      await world.log.append(topic, records);
      inFlight -= records.length;
    },
    close: async () => undefined,
  };
  const pipeline = world.start(5, slow, counting);
  await Promise.race([world.untilDone(), pipeline.running]);
  await pipeline.end();
  world.expectAllThere();
  expect(inFlightMost).toBeLessThanOrEqual(5);
});

/** A producer that appends nothing, or all of it, at its n-th append, and then is dead. */
function breakingAt(log: MemoryRecordLog, atAppend: number, dead: Error): RecordProducer {
  let appends = 0;
  return {
    append: async (topic, records) => {
      appends += 1;
      if (appends < atAppend) return log.append(topic, records);
      if (appends === atAppend && atAppend % 2 === 0) await log.append(topic, records);
      throw dead;
    },
    close: async () => undefined,
  };
}

async function createWorld(photos: readonly Kind[]) {
  const log = new MemoryRecordLog();
  await log.ensureTopics([
    { topic: topics.photos, partitions: SOURCE_PARTITIONS },
    ...topicShapes(topics, FEATURES_PARTITIONS).filter(({ topic }) => topic !== topics.photos),
  ]);
  const store = createMemoryObjectStore(["photos"]);
  for (const [index, kind] of photos.entries()) {
    const key = `photos/${index}.jpg`;
    const stored = kind === FINE || kind === CORRUPT;
    const { etag } = stored ? await store.put({ bucket: "photos", key }, Uint8Array.of(kind, index)) : { etag: "none" };
    const times = { capturedAtMs: 1, ingestedAtMs: 1 };
    const arrived = { bucket: "photos", key, etag, sizeBytes: 2, label: null, ...times, traceparent: null };
    const value = kind === "poison" ? Buffer.from("poison") : photoArrivedCodec.encode(arrived);
    await log.append(topics.photos, [{ partition: index % SOURCE_PARTITIONS, key: Buffer.from(key), value }]);
  }

  const start = (
    inFlightPhotosMax: number,
    producer: RecordProducer,
    pipelineStore = store,
    health = new Health(systemClock.nowMs, []),
  ) => {
    const over = new AbortController();
    const consumer = log.consumer(GROUP, topics.photos);
    const pipeline = new FeaturizerPipeline(
      {
        committedOffsets: () => log.committedOffsets(GROUP, topics.photos),
        consumer,
        producer,
        store: pipelineStore,
        decode,
        infer,
        clock: systemClock,
        health,
        logger: silentLogger,
      },
      {
        topics,
        featuresPartitions: FEATURES_PARTITIONS,
        run: "live",
        model: "m",
        inFlightPhotosMax,
        inFlightBytesMax: 1_000,
        photoBytesMax: 100,
        fetchesMax: 4,
        decodesMax: 2,
        commitMs: 1,
        deadLetterShareMax: 1,
      },
    );
    const running = pipeline.run();
    running.catch(() => undefined);
    const end = async () => {
      over.abort();
      await pipeline.stop();
    };
    return { running, end, over: over.signal };
  };

  const published = () => log.allRecordsOf(topics.features).map(({ value }) => photoFeaturesCodec.decode(value));
  return {
    log,
    store,
    start,
    /** Resolves once the group has committed everything, or the signal says that nobody cares any more. */
    async untilDone(signal?: AbortSignal) {
      const ends = await log.endOffsets(topics.photos);
      for (;;) {
        const committed = new Map(
          (await log.committedOffsets(GROUP, topics.photos)).map(({ partition, offset }) => [partition, offset]),
        );
        if (signal?.aborted || ends.every(({ partition, offset }) => (committed.get(partition) ?? 0) >= offset)) return;
        await new Promise(setImmediate);
      }
    },
    expectAllThere() {
      const place = (partition: number, offset: number) => partition + offset * SOURCE_PARTITIONS;
      const fine = new Set(published().map((sent) => place(sent.sourcePartition, sent.sourceOffset)));
      const letters = log.allRecordsOf(topics.deadLetters).map(({ value }) => deadLetterCodec.decode(value));
      const reasons = new Map(letters.map((sent) => [place(sent.sourcePartition, sent.sourceOffset), sent.reason]));
      for (const [index, kind] of photos.entries()) {
        expect(fine.has(index), `photo ${index}, ${kind}`).toBe(kind === FINE);
        const reason = { [CORRUPT]: "corrupt-image", missing: "not-found", poison: "poison-message" };
        expect(reasons.get(index)).toBe(kind === FINE ? undefined : reason[kind]);
      }
      expectFirstAppearancesAscend();
    },
  };

  /** What the reducer's high-water marks rely on. */
  function expectFirstAppearancesAscend() {
    for (let partition = 0; partition < SOURCE_PARTITIONS; partition++) {
      const records = log.recordsOf(topics.features, partition % FEATURES_PARTITIONS);
      const offsets = records
        .map(({ value }) => photoFeaturesCodec.decode(value))
        .filter(({ sourcePartition }) => sourcePartition === partition)
        .map(({ sourceOffset }) => sourceOffset);
      const first = [...new Set(offsets)];
      expect(first).toEqual(first.toSorted((a, b) => a - b));
    }
  }
}

/** Takes a while that differs from photo to photo, so that later ones overtake earlier ones. */
async function decode(bytes: Uint8Array): Promise<DecodedPhoto> {
  for (let turn = 0; turn < (bytes[1]! * 7) % 5; turn++) await new Promise(setImmediate);
  if (bytes[0] === CORRUPT) throw new FruitstreamError("corrupt-image", "it can't be decoded");
  return { pixels: new Uint8Array(3), width: 1, height: 1, photoWidth: 1, photoHeight: 1 };
}

async function infer() {
  return { features: new Float32Array(4), predictions: null };
}
