import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { topicsWithPrefix } from "#lib/messages/topics.ts";
import { openTable } from "#lib/table/open-table.ts";
import { readRows } from "#lib/table/table-files.ts";
import { partitionsAppId } from "#lib/table/table-progress.ts";
import { countRows } from "#lib/table/table-summary.ts";
import { adoptTopics } from "#ops/topics/adopt-topics.ts";
import { type ResizeOptions, resizeTopics } from "#ops/topics/resize-topics.ts";
import { showTopics } from "#ops/topics/show-topics.ts";
import { createMemoryObjectStore } from "../../../fakes/memory-object-store.ts";
import { MemoryRecordLog } from "../../../fakes/memory-record-log.ts";
import { startMemoryReducer } from "../../../fakes/memory-reducer.ts";
import { propertyRuns } from "../../../property-runs.ts";
import { featuresRecord } from "../../services/reducer/hand-driven-reducer.ts";

const topics = topicsWithPrefix("");
const location = { bucket: "b", prefix: "table" };
const SOURCES = 4;
const OPTIONS: ResizeOptions = { partitions: 4, topics: ["features", "photos"], isDryRun: false, stallSeconds: 20 };
const never = new AbortController().signal;

const opened: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.stop()));
});

describe("topics resize", () => {
  test("is followed by reducers at work, and every vector before and after is one row", async () => {
    const world = await createWorld();
    await world.publish(0, 5, 2);
    await resizeTopics(await world.deps(), OPTIONS, never);
    await world.publish(5, 10, 4);
    await world.untilRows(10 * SOURCES);
    expect((await world.table()).snapshot.txnVersions.get(partitionsAppId(topics.features))).toBe(4);
    expect(await world.letters()).toBe(0);
  });

  test("whatever was published when, by the number of the time, and interrupted wherever", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(6), fc.nat(6), fc.constantFrom("raised", "noted"), async (before, after, upTo) => {
        const world = await createWorld();
        await world.publish(0, before, 2);
        if (upTo === "raised") await world.log.addPartitions(topics.features, 4);
        // Nobody has noted the new number yet, and vectors come by it.
        const by = upTo === "raised" ? 4 : 2;
        await world.publish(before, before + 2, by);
        await resizeTopics(await world.deps(), OPTIONS, never);
        await world.publish(before + 2, before + 2 + after, 4);
        await world.untilRows((before + 2 + after) * SOURCES);
        expect(await world.letters()).toBe(0);
        await Promise.all(opened.splice(0).map((one) => one.stop()));
      }),
      propertyRuns(10),
    );
  });

  test("a zombie's vectors on their former partitions are repeats or dead letters, and hide nothing", async () => {
    const world = await createWorld();
    await world.publish(0, 5, 2);
    await resizeTopics(await world.deps(), OPTIONS, never);
    // Frozen before, thawed after: what it has in hand goes where it went.
    await world.publish(3, 8, 2);
    await world.publish(5, 12, 4);
    await world.untilRows(12 * SOURCES);
    expect(await world.letters()).toBeLessThanOrEqual(3 * SOURCES);
  });

  test("a dry run checks and changes nothing", async () => {
    const world = await createWorld();
    await world.publish(0, 1, 2);
    const resized = await resizeTopics(await world.deps(), { ...OPTIONS, isDryRun: true }, never);
    expect(resized).toEqual([
      { topic: "features", before: 2, after: 4 },
      { topic: "photos", before: 4, after: 4 },
    ]);
    expect(await world.log.partitionCount(topics.features)).toBe(2);
  });

  test("of photos adds partitions while everything is at work", async () => {
    const world = await createWorld();
    expect(await resizeTopics(await world.deps(), { ...OPTIONS, topics: ["photos"], partitions: 8 }, never)).toEqual([
      { topic: "photos", before: 4, after: 8 },
    ]);
    expect(await world.log.partitionCount(topics.photos)).toBe(8);
  });

  test("is refused while a featurizer is at work, and for what is no multiple", async () => {
    const world = await createWorld();
    const deps = await world.deps();
    await expect(resizeTopics(deps, { ...OPTIONS, partitions: 3 }, never)).rejects.toThrow(
      /a multiple of them \(4, 6, …\), not 3/,
    );
    const featurizer = world.log.consumer("featurizers", topics.photos);
    const running = featurizer.run({ assigned: async () => new Map(), records: async () => undefined });
    opened.push({ stop: () => featurizer.stop().then(() => running) });
    await expect(resizeTopics(deps, OPTIONS, never)).rejects.toThrow(/has 1 members.*stop all featurizers/);
    expect(await world.log.partitionCount(topics.features)).toBe(2);
  });
});

describe("topics adopt", () => {
  test("has the table go on with a copy, and tells what is none", async () => {
    const world = await createWorld();
    await world.publish(0, 5, 2);
    await world.untilRows(5 * SOURCES);
    await Promise.all(opened.splice(0).map((one) => one.stop()));
    const deps = await world.deps();
    const isOfTable = async () => (await showTopics(deps)).map((shown) => shown.isOfTable);
    expect(await isOfTable()).toEqual([true, true]);
    world.log.recreate(topics.features, 2);
    await expect(adoptTopics(deps, false)).rejects.toThrow(/no copy that has kept every offset.*TOPIC_PREFIX/);
    await world.publish(0, 5, 2);
    expect(await isOfTable()).toEqual([true, false]);
    await adoptTopics(deps, true);
    expect(await isOfTable()).toEqual([true, false]);
    expect((await adoptTopics(deps, false)).map(({ wasKnown }) => wasKnown)).toEqual([true, false]);
    expect(await isOfTable()).toEqual([true, true]);
    await world.startReducer();
    await world.publish(5, 9, 2);
    await world.untilRows(9 * SOURCES);
  });
});

/** Two partitions of vectors, four of photos, and a reducer. */
async function createWorld() {
  const log = new MemoryRecordLog();
  const store = createMemoryObjectStore([location.bucket]);
  await log.ensureTopics([
    { topic: topics.photos, partitions: SOURCES },
    { topic: topics.features, partitions: 2 },
    { topic: topics.deadLetters, partitions: 1 },
  ]);
  // A topic of photos that ends behind every vector that is to come, whatever its partitions are.
  const photosEnd = 100;
  const endOffsets = log.endOffsets.bind(log);
  log.endOffsets = async (topic) =>
    topic === topics.photos
      ? Array.from({ length: SOURCES }, (_, partition) => ({ partition, offset: photosEnd }))
      : endOffsets(topic);
  const table = () => openTable(store, location);
  const startReducer = async () => {
    opened.push(await startMemoryReducer({ log, store, location, topics }));
  };
  await startReducer();
  const rows = async () => {
    const now = await table();
    const files = [...now.snapshot.files.values()];
    const found = await Promise.all(files.map((file) => readRows(now, file)));
    return found.flat().map(({ path }) => String(path));
  };
  return {
    log,
    table,
    startReducer,
    deps: async () => ({
      topics,
      admin: log,
      producer: log,
      table: await table(),
      featurizerGroup: "featurizers",
      note: () => undefined,
    }),
    /** Each source partition's vectors from one offset up to another, where this number of partitions has them. */
    publish: async (from: number, to: number, partitions: number) => {
      for (let offset = from; offset < to; offset++) {
        for (let source = 0; source < SOURCES; source++) {
          const { value } = featuresRecord(source, offset);
          await log.append(topics.features, [{ partition: source % partitions, key: null, value: value! }]);
        }
      }
    },
    letters: async () => log.recordsOf(topics.deadLetters, 0).length,
    untilRows: async (count: number) => {
      const isThere = async () => countRows((await table()).snapshot) >= count;
      await expect.poll(isThere, { timeout: 20_000, interval: 100 }).toBe(true);
      const found = await rows();
      expect(found).toHaveLength(count);
      expect(new Set(found).size).toBe(count);
    },
  };
}
