import { describe, expect, test } from "vitest";
import type { PartitionOffset } from "#lib/log/record-log.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { openTable } from "#lib/table/open-table.ts";
import { requireSameTopics } from "#services/reducer/same-topics.ts";
import { createMemoryObjectStore } from "../../../fakes/memory-object-store.ts";
import { featuresRecord, handDrivenReducer, location, topics } from "./hand-driven-reducer.ts";

/** Its next offsets and marks. */
const PROGRESS = new Map([
  ["fruitstream/offset/features/0", 5],
  ["fruitstream/high-water/live/photos/0", 7],
]);

interface World {
  readonly features?: { readonly id?: string; readonly partitions?: number | undefined; readonly ends?: number[] };
  readonly photos?: { readonly id?: string; readonly partitions?: number | undefined; readonly ends?: number[] };
}

/** What is asked of topics that are these, of which all that is not said is as the table knows it. */
function ask(txnVersions: ReadonlyMap<string, number>, { features = {}, photos = {} }: World = {}) {
  const world = {
    features: { id: "f", partitions: 2, ends: [5, 0], ...features },
    photos: { id: "p", partitions: 4, ends: [7, 0, 0, 0], ...photos },
  };
  const of = (topic: string) => world[topic as keyof typeof world];
  const admin = {
    partitionCount: async (topic: string) => of(topic).partitions,
    topicIds: async (asked: readonly string[]) =>
      new Map(asked.flatMap((topic): [string, string][] => (of(topic).id === "" ? [] : [[topic, of(topic).id]]))),
    endOffsets: async (topic: string): Promise<PartitionOffset[]> =>
      of(topic).ends.map((offset, partition) => ({ partition, offset })),
  };
  return requireSameTopics(txnVersions, admin, { topics, featuresPartitions: 2 });
}

async function noted(world: World = {}): Promise<ReadonlyMap<string, number>> {
  return new Map([...PROGRESS, ...(await ask(PROGRESS, world)).notes]);
}

describe("a topic that was created anew", () => {
  test.each<[string, World]>([
    ["features with as many records", { features: { id: "other" } }],
    ["features with more records", { features: { id: "other", ends: [500, 500] } }],
    ["photos with more records", { photos: { id: "other", ends: [500, 500, 500, 500] } }],
    ["photos, of whose vectors the table has none yet", { photos: { id: "other" } }],
  ])("%s is told by its id", async (_, world) => {
    await expect(ask(await noted(), world)).rejects.toMatchObject({
      code: "invalid-table",
      message: expect.stringMatching(
        /\(id other\).*created anew, or is on another cluster.*TOPIC_PREFIX.*topics adopt/,
      ),
    });
  });

  test.each<[string, World]>([
    ["features with fewer", { features: { id: "", ends: [4, 0] } }],
    ["photos with fewer", { photos: { id: "", ends: [6, 0, 0, 0] } }],
  ])("%s is told by its ends where brokers tell no ids", async (_, world) => {
    await expect(ask(await noted({ features: { id: "" }, photos: { id: "" } }), world)).rejects.toMatchObject({
      code: "invalid-table",
      message: expect.stringContaining("was deleted and created anew"),
    });
  });

  test("is the table's own from the first commit on, whatever has become of the record before ours", async () => {
    const first = await noted();
    expect((await ask(first)).notes).toEqual(new Map());
    // All its records have expired, or others have come.
    await ask(first, { features: { ends: [5, 0] }, photos: { ends: [900, 0, 0, 0] } });
  });

  test("of a table of the version before is adopted unless its ends say otherwise", async () => {
    expect([...(await ask(PROGRESS, { features: { id: "any" } })).notes.keys()]).toEqual([
      "fruitstream/partitions/features",
      "fruitstream/partitions/photos",
      "fruitstream/topic/features",
      "fruitstream/topic/photos",
    ]);
    await expect(ask(PROGRESS, { features: { id: "any", ends: [4, 0] } })).rejects.toThrow(/created anew/);
  });

  test("stops the reducer before it reads of it, at an assignment", async () => {
    const world = recreatable();
    const reducer = await handDrivenReducer(world.store, world.records, 2, world.admin);
    await reducer.assign([0]);
    await reducer.read(0, 2);
    world.recreate();
    await expect(reducer.assign([0])).rejects.toMatchObject({ code: "invalid-table" });
    expect((await world.txns()).get("fruitstream/offset/features/0")).toBe(2);
  });

  test("stops it after its next commit, when that happens while its records are read", async () => {
    const world = recreatable();
    const reducer = await handDrivenReducer(world.store, world.records, 2, world.admin);
    await reducer.assign([0]);
    await reducer.read(0, 2);
    world.recreate();
    const readOn = async () => {
      for (;;) {
        await reducer.read(0, 2);
        await new Promise(setImmediate);
      }
    };
    await expect(readOn()).rejects.toMatchObject({ code: "invalid-table" });
  });
});

describe("partitions that were added", () => {
  test("to features by another number than a multiple stop the reducer, as does a topic that is gone", async () => {
    const table = await noted();
    for (const partitions of [1, 3, undefined]) {
      await expect(ask(table, { features: { partitions } })).rejects.toMatchObject({ code: "invalid-config" });
    }
  });

  test("to features are read by their number once the table counts on them", async () => {
    const table = await noted();
    const eight = { features: { partitions: 8 } };
    expect(await ask(table, eight)).toMatchObject({ featuresPartitions: 2, hasMoreFeatures: true, sharedBy: 2 });
    const resized = new Map([...table, ["fruitstream/partitions/features", 8]]);
    expect(await ask(resized, eight)).toMatchObject({ featuresPartitions: 8, hasMoreFeatures: false, sharedBy: 8 });
  });

  test.each([
    { features: 2, from: 4, to: 4, sharedBy: 2 },
    { features: 2, from: 4, to: 8, sharedBy: 2 },
    { features: 8, from: 4, to: 4, sharedBy: 8 },
    { features: 8, from: 4, to: 8, sharedBy: 4 },
    { features: 4, from: 4, to: 6, sharedBy: 2 },
    { features: 8, from: 3, to: 5, sharedBy: 1 },
  ])("to photos share what is known between features partitions: %j", async ({ features, from, to, sharedBy }) => {
    const table = new Map([
      ...(await noted({ photos: { partitions: from } })),
      ["fruitstream/partitions/features", features],
    ]);
    const now = await ask(table, { features: { partitions: features }, photos: { partitions: to } });
    expect(now).toMatchObject({ featuresPartitions: features, photosPartitions: to, sharedBy });
  });
});

test("a log that is away for a moment is asked again", async () => {
  const away = new FruitstreamError("broker-unavailable", "away");
  const admin = {
    partitionCount: () => Promise.reject(away),
    topicIds: async () => new Map(),
    endOffsets: async () => [],
  };
  const asked = requireSameTopics(PROGRESS, admin, { topics, featuresPartitions: 2 });
  await expect(asked).rejects.toBe(away);
});

/** A features topic whose partition 0 has six vectors, and that becomes another one. */
function recreatable() {
  const store = createMemoryObjectStore(["b"]);
  let id = "first";
  return {
    store,
    records: [Array.from({ length: 6 }, (_, offset) => featuresRecord(0, offset))],
    admin: { topicIds: async (asked: readonly string[]) => new Map(asked.map((topic) => [topic, `${id} ${topic}`])) },
    recreate: () => {
      id = "second";
    },
    txns: async () => (await openTable(store, location)).snapshot.txnVersions,
  };
}
