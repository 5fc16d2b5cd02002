import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { ReadingEnd } from "#lib/log/reading-end.ts";
import type { LogAdmin, PartitionOffset, RecordProducer } from "#lib/log/record-log.ts";
import { deadLetterCodec, photoFeaturesCodec } from "#lib/messages/avro/avro-codec.ts";
import type { SchemaTopic } from "#lib/messages/avro/schema-topic.ts";
import { flushMarker } from "#lib/messages/flush-marker.ts";
import { ForgottenTopic } from "#lib/messages/forgotten-topic.ts";
import type { PhotoFeatures } from "#lib/messages/messages.ts";
import { topicShapes, topicsWithPrefix } from "#lib/messages/topics.ts";
import { project } from "#lib/pca/basis.ts";
import { decodeBasis } from "#lib/pca/basis-codec.ts";
import { momentsOfRows } from "#lib/pca/moments.ts";
import { systemClock } from "#lib/runtime/clock.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { Health } from "#lib/runtime/health.ts";
import { silentLogger } from "#lib/runtime/logger.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { joinVectors } from "#lib/table/join-vectors.ts";
import { openTable } from "#lib/table/open-table.ts";
import { readRows } from "#lib/table/table-files.ts";
import { TableProgress } from "#lib/table/table-progress.ts";
import { createReducer } from "#services/reducer/reducer.ts";
import { TableMoments } from "#services/reducer/table-moments.ts";
import { countingClock } from "../../../fakes/counting-clock.ts";
import { createMemoryObjectStore } from "../../../fakes/memory-object-store.ts";
import { MemoryRecordLog } from "../../../fakes/memory-record-log.ts";
import { propertyRuns } from "../../../property-runs.ts";
import { loopKernel } from "../../lib/pca/loop-kernel.ts";

const topics = topicsWithPrefix("");
const location = { bucket: "b", prefix: "table" };
const subject = { model: "m-0123456789ab", run: "live" };
const DIMENSIONS = 4;
const COMPONENTS = 2;
/** Every partition of the topic of photos has so many records. */
const SOURCE_END = 1_000;
/** Of the topic of photos, whatever the number of the partitions of `features`. */
const SOURCE_PARTITIONS = 4;

/** Where a run of the reducer breaks off: at its n-th write to S3, before the write has an effect or after it. */
interface Crash {
  readonly atWrite: number;
  readonly hasEffect: boolean;
}

const crashes = fc.array(fc.record({ atWrite: fc.integer({ min: 1, max: 12 }), hasEffect: fc.boolean() }), {
  maxLength: 6,
});

describe("every source position becomes one row", () => {
  test("through crashes at any write, with repeats in the topic and windows of any size", async () => {
    await fc.assert(
      fc.asyncProperty(
        featureStreams(),
        crashes,
        fc.integer({ min: 1, max: 9 }),
        async (stream, crashPoints, rowsMax) => {
          const world = await createWorld(stream.partitions);
          await world.publish(stream.messages);
          for (const crash of crashPoints) await runUntilCrash(world, crash, rowsMax);
          await runUntilDone(world, 1, rowsMax);
          await expectTableHolds(world, stream.messages);
        },
      ),
      propertyRuns(60),
    );
  });

  test("while schemas can't be learnt nothing is decoded, and nothing is given up", async () => {
    const world = await createWorld(2);
    const messages = Array.from({ length: 20 }, (_, offset) => message(offset % 2, Math.floor(offset / 2)));
    await world.publish(messages);
    const failures: unknown[] = [1, 2, 3];
    const learn = async () => {
      if (failures.pop()) throw new FruitstreamError("broker-unavailable", "no answer; try again");
    };
    const reducer = await world.start(4, "group", { learn });
    await Promise.race([world.untilDone(), reducer.running]);
    expect(failures).toEqual([]);
    await expectTableHolds(world, messages);
    expect(Object.fromEntries(reducer.positions())).toEqual({ 0: 10, 1: 10 });
    await reducer.stop();
  });

  test("with several reducers that join while records flow", async () => {
    await fc.assert(
      fc.asyncProperty(featureStreams(), fc.integer({ min: 2, max: 3 }), async (stream, reducers) => {
        const world = await createWorld(stream.partitions);
        const half = Math.floor(stream.messages.length / 2);
        await world.publish(stream.messages.slice(0, half));
        await runUntilDone(world, reducers, 3, () => world.publish(stream.messages.slice(half)));
        await expectTableHolds(world, stream.messages);
      }),
      propertyRuns(20),
    );
  });

  test("when two reducers own the same partition, the one that commits later is fenced and goes on", async () => {
    const world = await createWorld(1);
    const messages = Array.from({ length: 40 }, (_, offset) => message(0, offset));
    // Two groups, so that both own partition 0: what a zombie and its successor do.
    const [first, second] = [await world.start(4, "group-a"), await world.start(4, "group-b")];
    await world.publish(messages);
    await world.untilDone();
    await Promise.all([first.stop(), second.stop()]);
    await expectTableHolds(world, messages);
  });
});

test("a stop leaves no timer behind, which the process would wait for", async () => {
  const world = await createWorld(1);
  await world.publish([message(0, 0)]);
  await runUntilDone(world, 1, 4);
  await vi.waitUntil(() => world.clock.sleeping === 0, { interval: 1 });
});

test("a zombie that has seen its successor's commit, and gets the same records afterwards, is fenced", async () => {
  const world = await createWorld(1);
  const messages = Array.from({ length: 8 }, (_, offset) => message(0, offset));
  const gate = Promise.withResolvers<void>();
  const zombie = await world.start(4, "zombie", { beforeRecords: () => gate.promise });
  const successor = await world.start(4, "successor");
  await world.publish(messages);
  await world.untilDone();
  const version = (await openTable(world.store, location)).snapshot.version;
  while (zombie.table.snapshot.version < version) await new Promise(setImmediate);
  gate.resolve();
  await world.publish([message(0, 8)]);
  await world.untilDone();
  await Promise.all([zombie.stop(), successor.stop()]);
  await expectTableHolds(world, [...messages, message(0, 8)]);
});

test("a lost or damaged checkpoint of moments changes nothing", async () => {
  const world = await createWorld(1);
  const messages = Array.from({ length: 30 }, (_, offset) => message(0, offset));
  await world.publish(messages);
  await runUntilDone(world, 1, 4);
  const keys: string[] = [];
  for await (const { key } of world.store.list("b", "table/_fruitstream/moments/")) keys.push(key);
  expect(keys.length).toBeGreaterThan(0);
  for (const key of keys) await world.store.put({ bucket: "b", key }, Buffer.from("damaged"));

  const more = Array.from({ length: 10 }, (_, index) => message(0, 30 + index));
  await world.publish(more);
  await runUntilDone(world, 1, 4);
  await expectTableHolds(world, [...messages, ...more]);
});

test("what is no vector is dead-lettered, and the rest goes on", async () => {
  const world = await createWorld(1);
  await world.publish([message(0, 0)]);
  await world.log.append(topics.features, [{ partition: 0, key: null, value: Buffer.from("not a message") }]);
  const tooLong = { ...message(0, 1), features: new Float32Array(DIMENSIONS + 1) };
  const notFinite = { ...message(0, 2), features: new Float32Array(DIMENSIONS).fill(Number.NaN) };
  const farFuture = { ...message(0, 3), capturedAtMs: 1e15 };
  await world.publish([tooLong, notFinite, farFuture, message(0, 4)]);
  await runUntilDone(world, 1, 3);
  await expectTableHolds(world, [message(0, 0), message(0, 4)]);
  expect(world.log.allRecordsOf(topics.deadLetters)).toHaveLength(4);
});

const hostile: { name: string; forged: Partial<PhotoFeatures>; detail: RegExp }[] = [
  {
    name: "an offset far beyond the topic's end",
    forged: { sourceOffset: 1e12 },
    detail: /offset 1000000000000 of partition 0 of "photos", whose end is 1000$/,
  },
  { name: "the offset at the topic's end", forged: { sourceOffset: SOURCE_END }, detail: /whose end is 1000$/ },
  {
    name: "a partition that is not there",
    forged: { sourcePartition: 1_000 },
    detail: /partition 1000 of "photos", which does not exist$/,
  },
  {
    name: "another topic of photos",
    forged: { sourceTopic: "theirs" },
    detail: /topic "theirs"; photos are announced on "photos" here$/,
  },
  {
    name: "a model that leads out of the table",
    forged: { model: "../.." },
    detail: /model must be .*, got "\.\.\/\.\."$/,
  },
  {
    name: "too few values for a basis",
    forged: { model: "other-0123456789ab", features: new Float32Array(1) },
    detail: /has 1 values; REDUCER_COMPONENTS asks for 2/,
  },
  {
    name: "too many values",
    forged: { model: "other-0123456789ab", features: new Float32Array(200_000) },
    detail: /has 200000 values; .* REDUCER_VECTOR_VALUES_MAX allows 16;/,
  },
  {
    name: "another length in a new run",
    forged: { run: "new", features: new Float32Array(8) },
    detail: /has 8 values, those in the table have 4$/,
  },
  { name: "a label of megabytes", forged: { label: "l".repeat(2_000_000) }, detail: /label may have 512 bytes/ },
];

test.each(hostile)(
  "a forged vector becomes a dead letter and takes nobody with it: $name",
  async ({ forged, detail }) => {
    const world = await createWorld(1);
    const before = [message(0, 0), message(0, 1)];
    await world.publish(before);
    await runUntilDone(world, 1, 2);
    const after = Array.from({ length: 10 }, (_, index) => message(0, 3 + index));
    await world.publish([{ ...message(0, 2), ...forged }, ...after]);
    await runUntilDone(world, 1, 4);
    await expectTableHolds(world, [...before, ...after]);
    const letters = world.log.allRecordsOf(topics.deadLetters).map(({ value }) => deadLetterCodec.decode(value));
    expect(letters).toMatchObject([{ reason: "poison-message", detail: expect.stringMatching(detail) }]);
  },
);

test("where the operator says which models there are, a forged first vector decides nothing", async () => {
  const world = await createWorld(1);
  const real = Array.from({ length: 4 }, (_, index) => message(0, 2 + index));
  const forgedLength = { ...message(0, 0), features: new Float32Array(8) };
  const forgedModel = { ...message(0, 1), model: "other-0123456789ab" };
  await world.publish([forgedLength, forgedModel, ...real]);
  await runKnowing(world, new Map([[real[0]!.model, DIMENSIONS]]));
  await expectTableHolds(world, real);
  const letters = world.log.allRecordsOf(topics.deadLetters).map(({ value }) => deadLetterCodec.decode(value));
  expect(letters.map(({ detail }) => detail)).toEqual([
    expect.stringMatching(/has 8 values, REDUCER_MODELS says 4$/),
    expect.stringMatching(/model "other-0123456789ab", which REDUCER_MODELS does not name/),
  ]);
});

test("a model that the table has rows of needs no naming", async () => {
  const world = await createWorld(1);
  await world.publish([message(0, 0)]);
  await runUntilDone(world, 1, 2);
  await world.publish([message(0, 1)]);
  await runKnowing(world, new Map([["other-0123456789ab", 8]]));
  await expectTableHolds(world, [message(0, 0), message(0, 1)]);
});

test("a new model whose first vector is an outlier keeps its length, and nothing stops", async () => {
  const world = await createWorld(1);
  const outlier = { ...message(0, 0), features: new Float32Array(5).fill(3.4e38) };
  const others = Array.from({ length: 5 }, (_, index) => message(0, 1 + index));
  await world.publish([outlier, ...others]);
  await runUntilDone(world, 1, 2);
  expect(world.log.allRecordsOf(topics.deadLetters)).toHaveLength(others.length);
});

test("extreme values of the right length are rows like any other", async () => {
  const world = await createWorld(1);
  const messages = Array.from({ length: 12 }, (_, offset) => message(0, offset));
  const extreme = { ...message(0, 12), features: new Float32Array(DIMENSIONS).fill(-3.4e38) };
  await world.publish([...messages.slice(0, 6), extreme].map((sent, offset) => ({ ...sent, sourceOffset: offset })));
  await runUntilDone(world, 1, 3);
  await world.publish(messages.slice(7));
  await runUntilDone(world, 1, 3);
  expect(world.log.allRecordsOf(topics.deadLetters)).toEqual([]);
});

test("a record whose dead letter can't be written is not passed over", async () => {
  const world = await createWorld(1);
  await world.publish([message(0, 0)]);
  await world.log.append(topics.features, [{ partition: 0, key: null, value: Buffer.from("not a message") }]);
  const refused = new FruitstreamError("access-denied", "the topic may not be written");
  const append = async () => Promise.reject(refused);
  const reducer = await world.start(3, "g", { producer: { append, close: async () => undefined }, openMsMax: 1e9 });
  await expect(reducer.running).rejects.toBe(refused);
  await reducer.stop();
  const { snapshot } = await openTable(world.store, location);
  expect(new TableProgress(topics.features, snapshot.txnVersions).nextOffset(0)).toBe(1);

  await runUntilDone(world, 1, 3);
  await expectTableHolds(world, [message(0, 0)]);
  expect(world.log.allRecordsOf(topics.deadLetters)).toHaveLength(1);
});

test("a vector of another length is set aside by a reducer that has just started, too", async () => {
  const world = await createWorld(1);
  await world.publish([message(0, 0), message(0, 1)]);
  await runUntilDone(world, 1, 2);
  await world.publish([{ ...message(0, 2), features: new Float32Array(DIMENSIONS + 1) }, message(0, 3)]);
  await runUntilDone(world, 1, 2);
  await expectTableHolds(world, [message(0, 0), message(0, 1), message(0, 3)]);
  expect(world.log.allRecordsOf(topics.deadLetters)).toHaveLength(1);
});

describe("topics that are not those the table was made from stop the reducer before anything is read", () => {
  test("vectors, when the topic was created anew and has fewer", async () => {
    const world = await oldWorld(1);
    const anew = await createWorld(1, world.store);
    await anew.publish([message(0, 0)]);
    await expectRefused(
      anew,
      /"features" partition 0 ends at offset 1, but the table has all up to 5: .* created anew/,
      {
        topicIds: async () => new Map(),
      },
    );
  });

  test("photos, when the topic was created anew and has fewer", async () => {
    const world = await oldWorld(1);
    await expectRefused(world, /"photos" partition 0 ends at offset 4, but the table has all up to 5 of run "live"/, {
      sourceEnds: async () => [{ partition: 0, offset: 4 }],
    });
  });

  test("vectors, when the topic was created anew and has more", async () => {
    const world = await oldWorld(1);
    const anew = await createWorld(1, world.store);
    await anew.publish(Array.from({ length: 50 }, (_, offset) => message(0, offset)));
    await expectRefused(
      anew,
      /"features" \(id [-0-9a-f]+\) is not the topic of that name that the table was made from/,
    );
  });

  test("vectors, when their topic has another number of partitions than before", async () => {
    const world = await oldWorld(2);
    const other = await createWorld(1, world.store);
    await expectRefused(other, /topic "features" has 1 partitions, and the table was made from 2/);
  });

  test("a partition of photos that is away, or a new one, stops nothing", async () => {
    const world = await oldWorld(1);
    await world.publish([message(0, 5)]);
    const gone = new FruitstreamError("broker-unavailable", "partition 1 is away");
    const reducer = await world.start(2, "g", { sourceEnds: () => Promise.reject(gone) });
    await expect.poll(() => world.isDone()).toBe(true);
    await reducer.stop();
  });

  /** Five vectors of source partition 0 are in the table. */
  async function oldWorld(partitions: number): Promise<World> {
    const world = await createWorld(partitions);
    await world.publish(Array.from({ length: 5 }, (_, offset) => message(0, offset)));
    await runUntilDone(world, 1, 2);
    return world;
  }

  async function expectRefused(world: World, sentence: RegExp, deviation: Deviation = {}): Promise<void> {
    const version = (await openTable(world.store, location, { createIfAbsent: false })).snapshot.version;
    const reducer = await world.start(2, "g", deviation);
    await expect(reducer.running).rejects.toThrow(sentence);
    expect((await openTable(world.store, location, { createIfAbsent: false })).snapshot.version).toBe(version);
    await reducer.stop();
  }
});

test("a vector that is not on its source partition's partition is a dead letter, and moves no mark", async () => {
  const world = await createWorld(2);
  const misplaced = { partition: 0, key: null, value: photoFeaturesCodec.encode(message(1, 40)) };
  await world.log.append(topics.features, [misplaced]);
  const sent = Array.from({ length: 5 }, (_, offset) => message(1, offset));
  await world.publish(sent);
  await runUntilDone(world, 1, 2);
  await expectTableHolds(world, sent);
  expect(world.log.allRecordsOf(topics.deadLetters).length).toBe(1);
});

test("a flush marker has its window committed at once, and is neither row nor dead letter", async () => {
  const world = await createWorld(2);
  const reducer = await world.start(100, "g", { openMsMax: 1e9 });
  const messages = [message(0, 0), message(1, 0), message(0, 1)];
  await world.publish(messages);
  await world.log.append(topics.features, [flushMarker(0), flushMarker(1)]);
  await Promise.race([world.untilDone(), reducer.running]);
  await expectTableHolds(world, messages);
  expect(world.log.allRecordsOf(topics.deadLetters)).toEqual([]);
  await reducer.stop();
});

test("with an end, reducers of a group stop there by themselves, once the table has it", async () => {
  await fc.assert(
    fc.asyncProperty(
      featureStreams(),
      fc.array(fc.nat(20), { minLength: 3, maxLength: 3 }),
      fc.integer({ min: 1, max: 3 }),
      async (stream, lengths, members) => {
        const world = await createWorld(stream.partitions);
        await world.publish(stream.messages);
        const ends = await world.log.endOffsets(topics.features);
        const until = ends.map(({ partition, offset }) => ({
          partition,
          offset: Math.min(offset, lengths[partition]!),
        }));
        // Markers of the past must not cut the windows of whoever reads up to an end.
        await world.log.append(topics.features, [flushMarker(0)]);
        const reducers = [];
        for (let member = 0; member < members; member++) {
          reducers.push(await world.start(100, "g", { openMsMax: 1e9, until }));
        }
        await Promise.all(
          reducers.map(async (reducer) => {
            await reducer.running;
            await reducer.stop();
          }),
        );
        const table = await openTable(world.store, location);
        const progress = new TableProgress(topics.features, table.snapshot.txnVersions);
        for (const { partition, offset } of until) expect(progress.nextOffset(partition)).toBe(offset);
        const read = until.flatMap(({ partition, offset }) =>
          world.log.recordsOf(topics.features, partition).slice(0, offset),
        );
        if (read.length > 0)
          await expectTableHolds(
            world,
            read.map(({ value }) => photoFeaturesCodec.decode(value)),
          );
      },
    ),
    propertyRuns(8),
  );
});

/** Per source partition: offsets with gaps (dead letters), and suffixes published again (crashes of the featurizer). */
function featureStreams() {
  const lane = fc.array(fc.record({ gap: fc.integer({ min: 0, max: 2 }), repeat: fc.integer({ min: 0, max: 5 }) }), {
    minLength: 1,
    maxLength: 15,
  });
  return fc
    .record({ partitions: fc.integer({ min: 1, max: 3 }), lanes: fc.array(lane, { minLength: 1, maxLength: 4 }) })
    .map(({ partitions, lanes }) => {
      const messages: PhotoFeatures[] = [];
      for (const [sourcePartition, steps] of lanes.entries()) {
        const published: PhotoFeatures[] = [];
        let offset = 0;
        for (const { gap, repeat } of steps) {
          offset += gap;
          published.push(message(sourcePartition, offset));
          offset += 1;
          if (repeat > 0) messages.push(...published.slice(-repeat - 1, -1));
          messages.push(published.at(-1)!);
        }
      }
      return { partitions, messages };
    });
}

function message(sourcePartition: number, sourceOffset: number): PhotoFeatures {
  const seed = sourcePartition * 1_000 + sourceOffset;
  return {
    ...subject,
    sourceTopic: "photos",
    sourcePartition,
    sourceOffset,
    bucket: "photos",
    key: `photos/${sourcePartition}/${sourceOffset}.jpg`,
    etag: "e",
    label: null,
    widthPx: 1,
    heightPx: 1,
    capturedAtMs: 1_700_000_000_000 + (seed % 3) * 3_600_000,
    capturedAtSource: "object",
    ingestedAtMs: 1_700_000_000_000,
    featurizedAtMs: 1_700_000_000_000,
    features: Float32Array.from({ length: DIMENSIONS }, (_, index) => Math.sin(seed * (index + 1))),
    predictions: null,
    traceparent: null,
  };
}

type Starts = ReadonlyMap<number, number>;

/** How a reducer under test differs from one that works undisturbed. */
interface Deviation {
  readonly moveStarts?: (starts: Starts) => Starts;
  readonly beforeRecords?: () => Promise<void>;
  readonly reducerStore?: ObjectStore;
  readonly producer?: RecordProducer;
  readonly until?: readonly PartitionOffset[];
  readonly openMsMax?: number;
  readonly models?: ReadonlyMap<string, number>;
  readonly learn?: SchemaTopic["learn"];
  readonly topicIds?: LogAdmin["topicIds"];
  readonly sourceEnds?: () => Promise<PartitionOffset[]>;
}

type World = Awaited<ReturnType<typeof createWorld>>;

async function createWorld(partitions: number, store: ObjectStore = createMemoryObjectStore(["b"])) {
  const log = new MemoryRecordLog();
  await log.ensureTopics(topicShapes(topics, partitions));

  const clock = countingClock();
  let watched: DeltaTable | undefined;
  const start = async (rowsMax: number, group: string, deviation: Deviation = {}) => {
    const { moveStarts = (starts) => starts, beforeRecords = async () => undefined, reducerStore = store } = deviation;
    const { until, openMsMax = 5, learn = async () => undefined } = deviation;
    const table = await openTable(reducerStore, location, { createIfAbsent: true });
    const consumer = log.consumer(group, topics.features);
    const moved: typeof consumer = {
      run: ({ assigned, records }) =>
        consumer.run({
          assigned: async (owned) => moveStarts(await assigned(owned)),
          records: async (partition, batch) => {
            await beforeRecords();
            await records(partition, batch);
          },
        }),
      seek: (partition, offset) => consumer.seek(partition, offset),
      commit: (offsets) => consumer.commit(offsets),
      stop: () => consumer.stop(),
    };
    const sourceEnds =
      deviation.sourceEnds ??
      (async () => Array.from({ length: SOURCE_PARTITIONS }, (_, partition) => ({ partition, offset: SOURCE_END })));
    const pipeline = createReducer(
      {
        consumer: moved,
        producer: deviation.producer ?? log,
        schemas: { learn },
        admin: {
          partitionCount: async (topic) => (topic === topics.photos ? SOURCE_PARTITIONS : log.partitionCount(topic)),
          topicIds: deviation.topicIds ?? (async (asked) => log.topicIds(asked)),
          endOffsets: (topic) => (topic === topics.features ? log.endOffsets(topic) : sourceEnds()),
        },
        forgotten: new ForgottenTopic({ topic: topics.forgotten, log, admin: log, logger: silentLogger }),
        table,
        kernel: loopKernel,
        clock,
        health: new Health(systemClock.nowMs, []),
        logger: silentLogger,
      },
      {
        topics,
        featuresPartitions: partitions,
        window: { rowsMax, bytesMax: 1_000_000, openMsMax },
        photoVersions: { countMax: 1_000, ageMsMax: Number.MAX_SAFE_INTEGER },
        components: COMPONENTS,
        vectorValuesMax: 16,
        models: deviation.models,
        angleDegreesMax: 5,
        end: until && new ReadingEnd(until, () => log.earliestOffsets(topics.features)),
      },
    );
    const running = pipeline.run();
    running.catch(() => undefined);
    return { running, stop: () => pipeline.stop(), table, positions: () => pipeline.positions };
  };

  return {
    log,
    store,
    clock,
    start,
    publish: (messages: readonly PhotoFeatures[]) =>
      log.append(
        topics.features,
        messages.map((features) => ({
          partition: features.sourcePartition % partitions,
          key: null,
          value: photoFeaturesCodec.encode(features),
        })),
      ),
    async isDone() {
      watched ??= await openTable(store, location, { createIfAbsent: true });
      await watched.advance();
      const progress = new TableProgress(topics.features, watched.snapshot.txnVersions);
      const ends = await log.endOffsets(topics.features);
      return ends.every(({ partition, offset }) => progress.nextOffset(partition) >= offset);
    },
    /** Resolves once the table has all records, or the signal says that nobody cares any more. */
    async untilDone(signal?: AbortSignal) {
      while (!signal?.aborted && !(await this.isDone())) await new Promise(setImmediate);
    },
  };
}

/** Runs one reducer on a store that breaks at the given write, until it has crashed or has nothing left to do. */
async function runUntilCrash(world: World, crash: Crash, rowsMax: number): Promise<void> {
  let writes = 0;
  const dead = new FruitstreamError("access-denied", "the process is dead");
  const breaking = async <T>(effect: () => Promise<T>): Promise<T> => {
    writes += 1;
    if (writes < crash.atWrite) return effect();
    if (writes === crash.atWrite && crash.hasEffect) await effect();
    throw dead;
  };
  const { store } = world;
  const crashing: ObjectStore = {
    ...store,
    put: (...args) => breaking(() => store.put(...args)),
    putIfAbsent: (...args) => breaking(() => store.putIfAbsent(...args)),
  };
  const over = new AbortController();
  let reducer: Awaited<ReturnType<World["start"]>> | undefined;
  try {
    reducer = await world.start(rowsMax, "g", { reducerStore: crashing });
    await Promise.race([reducer.running, world.untilDone(over.signal)]);
  } catch (error) {
    expect(error).toBe(dead);
  } finally {
    over.abort();
    // Nothing of it reaches the store any more; what a killed process does by itself, leaving the group, is done here.
    writes = Math.max(writes, crash.atWrite);
    await reducer?.stop();
  }
}

async function runUntilDone(world: World, reducers: number, rowsMax: number, meanwhile?: () => Promise<void>) {
  const running = [];
  for (let index = 0; index < reducers; index++) {
    running.push(await world.start(rowsMax, "g"));
    if (index === 0) await meanwhile?.();
  }
  await Promise.race([world.untilDone(), ...running.map((reducer) => reducer.running)]);
  await Promise.all(running.map((reducer) => reducer.stop()));
}

/** One reducer whose operator says which models there are. */
async function runKnowing(world: World, models: ReadonlyMap<string, number>) {
  const reducer = await world.start(2, "g", { models });
  await Promise.race([world.untilDone(), reducer.running]);
  await reducer.stop();
}

/** The table holds each position once, its rows are projected, and moments and basis are those of its rows. */
async function expectTableHolds(world: World, messages: readonly PhotoFeatures[]): Promise<void> {
  const table = await openTable(world.store, location);
  const rows: Record<string, unknown>[] = [];
  for (const file of table.snapshot.files.values()) rows.push(...(await readRows(table, file)));
  const place = (partition: unknown, offset: unknown) => `${partition}/${offset}`;
  const expected = new Set(messages.map((sent) => place(sent.sourcePartition, sent.sourceOffset)));
  const actual = rows.map((row) => place(row.source_partition, row.source_offset));
  expect(actual.sort()).toEqual([...expected].sort());

  const batch = await momentsOfRows(
    joinVectors(rows.map((row) => row.features as Float32Array)),
    DIMENSIONS,
    loopKernel,
  );
  const streamed = await TableMoments.load(table, subject, DIMENSIONS, loopKernel);
  await streamed.catchUp(table.snapshot.version);
  expect(streamed.moments.count).toBe(batch.count);
  for (const [index, value] of batch.scatter.entries()) expect(streamed.moments.scatter[index]).toBeCloseTo(value, 9);

  for (const row of rows.filter(({ pca_version }) => pca_version !== null)) {
    const name = String(row.pca_version).padStart(6, "0");
    const key = `table/_fruitstream/bases/model=m-0123456789ab/run=live/${name}.json`;
    const basis = decodeBasis((await world.store.get({ bucket: "b", key }, { bytesMax: 1_000_000 })).bytes);
    expect(row.pca_features).toEqual(project(basis, row.features as Float32Array));
  }
}
