import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { ReadingEnd } from "#lib/log/reading-end.ts";
import type { PartitionOffset, RecordConsumer, RecordProducer } from "#lib/log/record-log.ts";
import { deadLetterCodec, photoArrivedCodec, photoFeaturesCodec } from "#lib/messages/avro/avro-codec.ts";
import type { SchemaTopic } from "#lib/messages/avro/schema-topic.ts";
import { photoRule } from "#lib/messages/forgotten-photos.ts";
import { ForgottenTopic, ruleRecord } from "#lib/messages/forgotten-topic.ts";
import { topicShapes, topicsWithPrefix } from "#lib/messages/topics.ts";
import { systemClock } from "#lib/runtime/clock.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { Health } from "#lib/runtime/health.ts";
import { silentLogger } from "#lib/runtime/logger.ts";
import { metrics } from "#lib/runtime/metrics.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import type { OpenedPhoto } from "#services/featurizer/featurize-photo.ts";
import { createFeaturizer } from "#services/featurizer/featurizer.ts";
import { countingClock } from "../../../fakes/counting-clock.ts";
import { createMemoryObjectStore } from "../../../fakes/memory-object-store.ts";
import { MemoryRecordLog } from "../../../fakes/memory-record-log.ts";
import { propertyRuns } from "../../../property-runs.ts";

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
    propertyRuns(60),
  );
});

test("a photo that is forgotten becomes neither vector nor letter, and those after it go on", async () => {
  const world = await createWorld([FINE, CORRUPT, FINE, FINE]);
  const rules = [0, 1].map((index) => photoRule(`s3://photos/photos/${index}.jpg`, null));
  await world.log.append(topics.forgotten, rules.map(ruleRecord));
  const pipeline = world.start(8, world.log);
  const done = async () => {
    const committed = await world.log.committedOffsets(GROUP, topics.photos);
    return committed.reduce((sum, { offset }) => sum + offset, 0) === 4;
  };
  await Promise.race([vi.waitUntil(done, { interval: 1, timeout: 10_000 }), pipeline.running]);
  await pipeline.end();
  const vectors = world.log.allRecordsOf(topics.features).map(({ value }) => photoFeaturesCodec.decode(value).key);
  expect(vectors.sort()).toEqual(["photos/2.jpg", "photos/3.jpg"]);
  expect(world.log.allRecordsOf(topics.deadLetters)).toEqual([]);
});

test("while schemas can't be learnt nothing is decoded, and nothing is given up", async () => {
  const failures: unknown[] = [1, 2, 3];
  const known = new Set<string>();
  const world = await createWorld([FINE, FINE, "poison"], async (values) => {
    if (failures.pop()) throw new FruitstreamError("broker-unavailable", "no answer; try again");
    for (const value of values) known.add(Buffer.from(value!).toString("hex"));
  });
  const pipeline = world.start(8, world.log);
  await Promise.race([world.untilDone(), pipeline.running]);
  world.expectAllThere();
  expect(failures).toEqual([]);
  const announced = world.log.allRecordsOf(topics.photos).map(({ value }) => Buffer.from(value!).toString("hex"));
  expect([...known].sort()).toEqual([...new Set(announced)].sort());
  expect(Object.fromEntries(pipeline.positions())).toEqual({ 0: 1, 1: 1, 2: 1 });
  await pipeline.end();
});

test("a partition that nobody has ever committed is committed at its beginning, so that no join has to ask for it", async () => {
  const world = await createWorld([FINE]);
  const pipeline = world.start(8, world.log);
  await Promise.race([world.untilDone(), pipeline.running]);
  await pipeline.end();
  const offsets = (await world.log.committedOffsets(GROUP, topics.photos)).map(({ offset }) => offset);
  expect(offsets).toEqual([1, 0, 0]);
});

test("a stop leaves no timer behind, which the process would wait for", async () => {
  const world = await createWorld([FINE]);
  const pipeline = world.start(8, world.log);
  await Promise.race([world.untilDone(), pipeline.running]);
  await pipeline.end();
  await vi.waitUntil(() => world.clock.sleeping === 0, { interval: 1 });
});

test("what the group has committed stands while a member that joins still asks for it", async () => {
  const world = await createWorld(Array.from({ length: 6 }, () => FINE));
  const first = world.start(8, world.log);
  await Promise.race([world.untilDone(), first.running]);
  await first.end();
  const committed = await world.log.committedOffsets(GROUP, topics.photos);

  const answer = Promise.withResolvers<void>();
  const ask = world.log.committedOffsets.bind(world.log);
  world.log.committedOffsets = async (...call) => {
    await answer.promise;
    return ask(...call);
  };
  const second = world.start(8, world.log);
  await systemClock.sleep(20);
  expect(await ask(GROUP, topics.photos)).toEqual(committed);
  answer.resolve();
  await second.end();
  expect(await ask(GROUP, topics.photos)).toEqual(committed);
});

test("photos that S3 keeps back leave places for others to be fetched", async () => {
  const world = await createWorld(Array.from({ length: 12 }, () => FINE));
  const gate = Promise.withResolvers<void>();
  const keepsBack: ObjectStore = {
    ...world.store,
    get: async (location, options) => {
      const isOfPartition0 = Number(/(\d+)\.jpg$/.exec(location.key)![1]) % SOURCE_PARTITIONS === 0;
      if (isOfPartition0 && !isOpen) throw new FruitstreamError("store-unavailable", "503 SlowDown");
      return world.store.get(location, options);
    },
  };
  let isOpen = false;
  void gate.promise.then(() => {
    isOpen = true;
  });
  const pipeline = world.start(20, world.log, keepsBack);
  await expect.poll(async () => (await world.doneOffsets()).map(({ partition }) => partition)).toEqual([1, 2]);
  await expect.poll(async () => (await world.doneOffsets()).map(({ offset }) => offset)).toEqual([4, 4]);
  gate.resolve();
  await Promise.race([world.untilDone(), pipeline.running]);
  await pipeline.end();
  world.expectAllThere();
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

test("when nearly all photos fail it stops and says why, before the topic has drained into the dead letters", async () => {
  const world = await createWorld(Array.from({ length: 600 }, (_, index) => (index % 20 === 0 ? FINE : "missing")));
  const before = await lettersCounted("not-found");
  const health = new Health(systemClock.nowMs, []);
  const consumer = world.log.consumer(GROUP, topics.photos);
  const pipeline = world.start(8, world.log, world.store, health, undefined, consumer, 0.9);
  await expect(pipeline.running).rejects.toMatchObject({
    code: "too-many-dead-letters",
    message: expect.stringMatching(/of the latest 200 photos failed, the last one so: .*raise FEATURIZER_DEAD_LETTERS/),
  });
  await pipeline.end();
  const letters = world.letterPositions().length;
  expect(letters).toBeGreaterThan(100);
  expect(letters).toBeLessThanOrEqual(200);
  expect((await lettersCounted("not-found")) - before).toBe(letters);
});

test("what is published by a former number of partitions is not committed, and is published again by the new one", async () => {
  const world = await createWorld(Array.from({ length: 12 }, () => FINE));
  let isRaised = false;
  const raising: RecordProducer = {
    append: async (topic, records) => {
      await world.log.append(topic, records);
      // The lanes have published some of their photos, and committed none of them.
      if (isRaised) return;
      isRaised = true;
      await world.log.addPartitions(topics.features, SOURCE_PARTITIONS);
    },
    close: async () => undefined,
  };
  const pipeline = world.start(4, raising);
  await Promise.race([world.untilDone(), pipeline.running]);
  await pipeline.end();
  for (let partition = 0; partition < SOURCE_PARTITIONS; partition++) {
    const sent = world.log.recordsOf(topics.features, partition).map(({ value }) => photoFeaturesCodec.decode(value));
    const own = sent.filter(({ sourcePartition }) => sourcePartition === partition);
    expect([...new Set(own.map(({ sourceOffset }) => sourceOffset))]).toEqual([0, 1, 2, 3]);
  }
});

test("with an end, members of a group stop there by themselves, once all of it is published", async () => {
  await fc.assert(
    fc.asyncProperty(
      kinds,
      fc.array(fc.nat(14), { minLength: SOURCE_PARTITIONS, maxLength: SOURCE_PARTITIONS }),
      fc.integer({ min: 1, max: 4 }),
      async (photos, lengths, members) => {
        const world = await createWorld(photos);
        const ends = await world.log.endOffsets(topics.photos);
        const until = ends.map(({ partition, offset }) => ({
          partition,
          offset: Math.min(offset, lengths[partition]!),
        }));
        const pipelines = Array.from({ length: members }, () => world.startUntil(until));
        await Promise.all(
          pipelines.map(async (pipeline) => {
            await pipeline.running;
            await pipeline.end();
          }),
        );
        expect(await world.doneOffsets()).toEqual(until.filter(({ offset }) => offset > 0));
        const done = [...world.publishedPositions(), ...world.letterPositions()];
        const expected = until.flatMap(({ partition, offset }) =>
          Array.from({ length: offset }, (_, index) => `${partition}/${index}`),
        );
        expect([...new Set(done)].sort()).toEqual(expected.sort());
      },
    ),
    propertyRuns(40),
  );
});

test("a member whose partitions are at their end waits for those of others, and takes them over", async () => {
  const world = await createWorld(Array.from({ length: 12 }, () => FINE));
  const until = await world.log.endOffsets(topics.photos);
  const gate = Promise.withResolvers<void>();
  const stuck: ObjectStore = { ...world.store, get: () => gate.promise.then(() => Promise.reject(new Error("dead"))) };
  const first = world.startUntil(until, stuck);
  const second = world.startUntil(until);
  const reached = async () => {
    return (await world.doneOffsets()).length > 0;
  };
  while (!(await reached())) await new Promise(setImmediate);
  let isOver = false;
  void second.running.then(() => {
    isOver = true;
  });
  for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
  expect(isOver).toBe(false);
  gate.resolve();
  await expect(first.running).rejects.toThrow("dead");
  await first.end();
  await second.running;
  await second.end();
  expect(await world.log.committedOffsets(GROUP, topics.photos)).toEqual(until);
});

test("records that the topic has lost before the end are not waited for", async () => {
  const world = await createWorld(Array.from({ length: 30 }, () => FINE));
  // A broker falls back to the earliest record: here, the records from 5 up to 8 are gone.
  const gap = { from: 5, to: 8 };
  const until = [{ partition: 0, offset: 7 }];
  const pipeline = world.startUntil(until, world.store, gap);
  await pipeline.running;
  await pipeline.end();
  expect(await world.doneOffsets()).toEqual(until);
  expect(world.publishedPositions()).toEqual(["0/0", "0/1", "0/2", "0/3", "0/4"]);
});

/** What the metric counts of dead letters with this reason. */
async function lettersCounted(reason: string): Promise<number> {
  const { values } = await metrics.deadLetters.get();
  return values.find(({ labels }) => labels.reason === reason)?.value ?? 0;
}

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

async function createWorld(photos: readonly Kind[], learn: SchemaTopic["learn"] = async () => undefined) {
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
    const times = { capturedAtMs: 1, capturedAtSource: "object", ingestedAtMs: 1 };
    const arrived = { bucket: "photos", key, etag, sizeBytes: 2, label: null, ...times, traceparent: null };
    const value = kind === "poison" ? Buffer.from("poison") : photoArrivedCodec.encode(arrived);
    await log.append(topics.photos, [{ partition: index % SOURCE_PARTITIONS, key: Buffer.from(key), value }]);
  }

  const forgotten = new ForgottenTopic({
    topic: topics.forgotten,
    log: log,
    admin: log,
    logger: silentLogger,
  });
  const clock = countingClock();
  const start = (
    inFlightPhotosMax: number,
    producer: RecordProducer,
    pipelineStore = store,
    health = new Health(systemClock.nowMs, []),
    end?: ReadingEnd,
    consumer = log.consumer(GROUP, topics.photos),
    deadLetterShareMax = 1,
  ) => {
    const over = new AbortController();
    const pipeline = createFeaturizer(
      {
        committedOffsets: () => log.committedOffsets(GROUP, topics.photos),
        featuresPartitions: () => log.partitionCount(topics.features),
        consumer,
        producer,
        schemas: { learn: (values) => learn(values) },
        forgotten,
        store: pipelineStore,
        decode,
        infer,
        clock,
        health,
        logger: silentLogger,
      },
      {
        topics,
        run: "live",
        buckets: new Set(["photos"]),
        end,
        model: "m",
        inFlightPhotosMax,
        inFlightBytesMax: 1_000,
        photoBytesMax: 100,
        fetchesMax: 4,
        commitMs: 1,
        deadLetterShareMax,
      },
    );
    const running = pipeline.run();
    running.catch(() => undefined);
    const stop = async () => {
      over.abort();
      await pipeline.stop();
    };
    return { running, end: stop, over: over.signal, positions: () => pipeline.positions };
  };

  /** A member of the group with an end; records of the gap, by offset, never reach it. */
  const startUntil = (until: readonly PartitionOffset[], memberStore = store, gap = { from: 0, to: 0 }) => {
    const end = new ReadingEnd(until, () => log.earliestOffsets(topics.photos));
    const consumer = withoutRecords(log.consumer(GROUP, topics.photos), gap);
    return start(8, log, memberStore, new Health(systemClock.nowMs, []), end, consumer);
  };

  const published = () => log.allRecordsOf(topics.features).map(({ value }) => photoFeaturesCodec.decode(value));
  return {
    log,
    store,
    clock,
    start,
    startUntil,
    /** What the group has committed, but for partitions of which nothing is done. */
    doneOffsets: async () => (await log.committedOffsets(GROUP, topics.photos)).filter(({ offset }) => offset > 0),
    publishedPositions: () => published().map((sent) => `${sent.sourcePartition}/${sent.sourceOffset}`),
    letterPositions: () =>
      log
        .allRecordsOf(topics.deadLetters)
        .map(({ value }) => deadLetterCodec.decode(value))
        .map((sent) => `${sent.sourcePartition}/${sent.sourceOffset}`),
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

function withoutRecords(consumer: RecordConsumer, gap: { from: number; to: number }): RecordConsumer {
  return {
    run: (handlers) =>
      consumer.run({
        ...handlers,
        records: async (partition, records) => {
          const kept = records.filter(({ offset }) => offset < gap.from || offset >= gap.to);
          if (kept.length > 0) await handlers.records(partition, kept);
        },
      }),
    seek: (partition, offset) => consumer.seek(partition, offset),
    commit: (offsets) => consumer.commit(offsets),
    stop: () => consumer.stop(),
  };
}

/** Takes a while that differs from photo to photo, so that later ones overtake earlier ones. */
async function decode(bytes: Uint8Array): Promise<OpenedPhoto> {
  for (let turn = 0; turn < (bytes[1]! * 7) % 5; turn++) await new Promise(setImmediate);
  if (bytes[0] === CORRUPT) throw new FruitstreamError("corrupt-image", "it can't be decoded");
  const decoded = { pixels: new Uint8Array(3), width: 1, height: 1, photoWidth: 1, photoHeight: 1 };
  return { decoded, exif: undefined };
}

async function infer() {
  return { features: new Float32Array(4), predictions: null };
}
