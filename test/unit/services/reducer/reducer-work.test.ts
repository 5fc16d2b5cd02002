import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { LogRecord } from "#lib/log/record-log.ts";
import type { PhotoFeatures } from "#lib/messages/messages.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import { openTable } from "#lib/table/open-table.ts";
import { readRows } from "#lib/table/table-files.ts";
import { createMemoryObjectStore } from "../../../fakes/memory-object-store.ts";
import { propertyRuns } from "../../../property-runs.ts";
import { featuresRecord, handDrivenReducer, location } from "./hand-driven-reducer.ts";

/** Photos of one features partition, each announced as often as it is named here. */
type Announcements = readonly { readonly photo: number; readonly etag: string; readonly isOnRaised: boolean }[];

describe("a photo version is one row", () => {
  test("announced twice, in one window or in two; other bytes under its key are another row", async () => {
    const store = createMemoryObjectStore(["b"]);
    const partition = recordsOf(0, announced("a1 a1 b1 a2 a1 b1 a2"));
    const reducer = await handDrivenReducer(store, [partition], 2);
    await reducer.assign([0]);
    await reducer.read(0, 10);
    await reducer.assign([0]);
    expect(await rowsOf(store)).toEqual(["0/0 1", "0/0 2", "0/1 1"]);
    expect(await txnsOf(store)).toMatchObject({
      "fruitstream/high-water/live/photos/0": 7,
      "fruitstream/known/live/photos/0": 4,
    });
  });

  test("announced before and after partitions were added to the topic of photos, which nobody has told the reducer", async () => {
    const store = createMemoryObjectStore(["b"]);
    const photo = { key: "a.jpg", etag: "1" };
    const partitions = [[featuresRecord(0, 0, 0, photo)], [featuresRecord(1, 0, 0, photo)]];
    let photos = 1;
    const partitionCount = async (topic: string) => (topic === "photos" ? photos : 2);
    const reducer = await handDrivenReducer(store, partitions, 1, { partitionCount });
    await reducer.assign([0, 1]);
    await reducer.read(0, 1);
    photos = 2;
    await reducer.read(1, 1);
    await reducer.read(1, 1);
    await reducer.assign([0, 1]);
    expect((await txnsOf(store))["fruitstream/known/live/photos/1"]).toBe(1);
    expect(await rowsOf(store)).toHaveLength(1);
  });

  test("in each run, and of each model where several share one, as in the table of a local folder", async () => {
    const store = createMemoryObjectStore(["b"]);
    const inRuns = recordsOf(0, announced("a1 a1 a1 a1"), [
      { run: "live" },
      { run: "again" },
      { model: "other-0123456789ab" },
      { run: "again" },
    ]);
    const reducer = await handDrivenReducer(store, [inRuns]);
    await reducer.assign([0]);
    await reducer.read(0, 4);
    await reducer.assign([0]);
    expect(await rowsOf(store)).toEqual(["0/0 1", "0/0 1", "0/0 1"]);
  });

  test("by a reducer that has it from another's window, not by one that has dropped it with its own", async () => {
    const store = createMemoryObjectStore(["b"]);
    const partition = recordsOf(0, announced("a1 b1 a1 b1 c1"));
    const [zombie, successor] = [
      await handDrivenReducer(store, [partition]),
      await handDrivenReducer(store, [partition]),
    ];
    await zombie.assign([0]);
    await zombie.read(0, 1);
    await successor.assign([0]);
    await successor.read(0, 1);
    await zombie.read(0, 1);
    // Its window with photos a and b is fenced, and b is still to come for whoever reads on from the table.
    await successor.assign([0]);
    await zombie.assign([0]);
    await zombie.read(0, 4);
    await zombie.assign([0]);
    expect(await rowsOf(store)).toEqual(["0/0 1", "0/1 1", "0/2 1"]);
  });
});

test("whatever is announced how often, by whomever it is read, and whatever is lost beside the table", async () => {
  const which = fc.constantFrom(0, 1);
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ member: which, partition: which, read: fc.integer({ min: 1, max: 4 }) }) },
    // Both may believe that they own the same: one of them is a zombie then.
    { weight: 3, arbitrary: fc.record({ member: which, assign: fc.subarray([0, 1]) }) },
    { weight: 1, arbitrary: fc.record({ member: which, restart: fc.constant(true) }) },
    { weight: 1, arbitrary: fc.constantFrom("lose checkpoints" as const, "damage checkpoints" as const) },
  );
  const announcements = fc.array(
    fc.record({ photo: fc.nat({ max: 3 }), etag: fc.constantFrom("1", "2"), isOnRaised: fc.boolean() }),
    { maxLength: 14 },
  );
  await fc.assert(
    fc.asyncProperty(fc.tuple(announcements, announcements), fc.array(step, { maxLength: 25 }), async (all, steps) => {
      const store = createMemoryObjectStore(["b"]);
      const partitions = all.map((each, partition) => recordsOf(partition, each));
      const start = () => handDrivenReducer(store, partitions, 5);
      const members = [await start(), await start()];
      const take = async (next: (typeof steps)[number]) => {
        if (next === "lose checkpoints") return changeCheckpoints(store, (object) => store.delete(object));
        if (next === "damage checkpoints")
          return changeCheckpoints(store, (object) => store.put(object, Buffer.from("?")));
        if ("restart" in next) members[next.member] = await start();
        else if ("assign" in next) await members[next.member]!.assign(next.assign);
        else await members[next.member]!.read(next.partition, next.read);
      };
      for (const next of steps) {
        await take(next);
        const rows = await rowsOf(store);
        expect(new Set(rows).size).toBe(rows.length);
      }
      await members[1]!.assign([]);
      await members[0]!.assign([0, 1]);
      for (const each of [0, 1]) await members[0]!.read(each, 20);
      await members[0]!.assign([0, 1]);
      const expected = all.flatMap((each, partition) => each.map(({ photo, etag }) => `${partition}/${photo} ${etag}`));
      expect(await rowsOf(store)).toEqual([...new Set(expected)].sort());
      await expectCounted(store, all);
    }),
    propertyRuns(100),
  );
});

/** Rows and what is known make up the announcements: the table's own count of what was dropped is exact. */
async function expectCounted(store: ObjectStore, all: readonly Announcements[]): Promise<void> {
  const rows = (await rowsOf(store)).length;
  const known = Object.entries(await txnsOf(store)).filter(([appId]) => appId.startsWith("fruitstream/known/"));
  expect(rows + known.reduce((sum, [, count]) => sum + count, 0)).toBe(all.flat().length);
}

/** `a1` is photo 0 with the etag 1. */
function announced(text: string): Announcements {
  return text.split(" ").map(([photo = "", etag = ""]) => ({
    photo: photo.charCodeAt(0) - "a".charCodeAt(0),
    etag,
    isOnRaised: false,
  }));
}

/** A features partition with one record for each announcement: of its source partition, or of one that was added later. */
function recordsOf(
  partition: number,
  announcements: Announcements,
  changes: readonly Partial<PhotoFeatures>[] = [],
): LogRecord[] {
  const next = new Map<number, number>();
  return announcements.map(({ photo, etag, isOnRaised }, offset) => {
    const sourcePartition = isOnRaised ? partition + 2 : partition;
    const sourceOffset = next.get(sourcePartition) ?? 0;
    next.set(sourcePartition, sourceOffset + 1);
    const key = `${partition}/${photo}`;
    return featuresRecord(partition, offset, sourceOffset, { sourcePartition, key, etag, ...changes[offset] });
  });
}

/** The photo versions of all rows as partition, photo and etag, sorted. */
async function rowsOf(store: ObjectStore): Promise<string[]> {
  const table = await openTable(store, location, { createIfAbsent: true });
  const rows: string[] = [];
  for (const file of table.snapshot.files.values()) {
    for (const row of await readRows(table, file))
      rows.push(`${String(row.path).slice("s3://photos/".length)} ${row.photo_etag}`);
  }
  return rows.sort();
}

async function txnsOf(store: ObjectStore): Promise<Record<string, number>> {
  return Object.fromEntries((await openTable(store, location, { createIfAbsent: true })).snapshot.txnVersions);
}

async function changeCheckpoints(
  store: ObjectStore,
  change: (object: { bucket: string; key: string }) => Promise<unknown>,
): Promise<void> {
  const { bucket, prefix } = location;
  for await (const { key } of store.list(bucket, `${prefix}/_fruitstream/photo-versions/`))
    await change({ bucket, key });
}
