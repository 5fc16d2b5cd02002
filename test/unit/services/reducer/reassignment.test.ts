import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import type { LogRecord } from "#lib/log/record-log.ts";
import { photoFeaturesCodec } from "#lib/messages/avro/avro-codec.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import { openTable } from "#lib/table/open-table.ts";
import { readRows } from "#lib/table/table-files.ts";
import { createMemoryObjectStore } from "../../../fakes/memory-object-store.ts";
import { propertyRuns } from "../../../property-runs.ts";
import { featuresRecord, handDrivenReducer, location } from "./hand-driven-reducer.ts";

const RECORDS = 12;

/** Windows that only an assignment ends. */
describe("an assignment commits the open window", () => {
  test("so a member that is assigned anew every few records comes to the end", async () => {
    const { store, partitions } = world();
    const reducer = await handDrivenReducer(store, partitions);
    await reducer.assign([0, 1]);
    for (let read = 3; read <= RECORDS; read += 3) {
      await reducer.read(0, 3);
      await reducer.read(1, 3);
      expect(await reducer.assign([0, 1])).toEqual(
        new Map([
          [0, read],
          [1, read],
        ]),
      );
    }
    expect(await rowsOf(store)).toEqual(rowsExpected(partitions));
  });

  test("so what is committed of a partition that has gone is not read again by its new owner", async () => {
    const { store, partitions } = world();
    const [before, after] = [await handDrivenReducer(store, partitions), await handDrivenReducer(store, partitions)];
    await before.assign([0, 1]);
    await before.read(0, 5);
    await before.read(1, 4);
    await before.assign([0]);
    expect(await after.assign([1])).toEqual(new Map([[1, 4]]));
  });

  test("unless its new owner has committed first: then it is dropped as a whole, and nothing is doubled", async () => {
    const { store, partitions } = world();
    const [before, after] = [await handDrivenReducer(store, partitions), await handDrivenReducer(store, partitions)];
    await before.assign([0, 1]);
    await before.read(0, 5);
    await before.read(1, 4);
    await after.assign([1]);
    await after.read(1, 7);
    await after.assign([1]);
    const warnings: string[] = [];
    before.onWarning = (message) => warnings.push(message);
    expect(await before.assign([0])).toEqual(new Map([[0, 0]]));
    expect(warnings).toEqual([expect.stringMatching(/^fenced/)]);
    expect(before.seeks).toEqual([]);

    await before.read(0, RECORDS);
    await before.assign([0]);
    await after.read(1, RECORDS);
    await after.assign([1]);
    expect(await rowsOf(store)).toEqual(rowsExpected(partitions));
  });
});

test("a window that another's commit has made useless is dropped at the next look, not when it is full", async () => {
  const { store, partitions } = world();
  const [before, after] = [await handDrivenReducer(store, partitions), await handDrivenReducer(store, partitions)];
  await before.assign([0, 1]);
  await before.read(1, 4);
  // The new owner of partition 1 has read the table before its old one commits.
  await after.assign([1]);
  await after.read(1, 2);
  await before.assign([0]);
  expect(after.seeks).toEqual([]);
  after.look();
  await vi.waitFor(() => expect(after.seeks).toEqual(["1@4"]));
  await after.read(1, RECORDS);
  await after.assign([1]);
  expect((await rowsOf(store)).filter((row) => row.startsWith("1/"))).toEqual(rowsExpected([[], partitions[1]!]));
});

test("two members that are assigned whatever at any moment lose nothing and double nothing", async () => {
  const partition = fc.constantFrom(0, 1);
  const step = fc.oneof(
    fc.record({ member: partition, partition, read: fc.integer({ min: 1, max: 4 }) }),
    // Both may believe that they own the same: one of them is a zombie then.
    fc.record({ member: partition, assign: fc.subarray([0, 1]) }),
  );
  const isRepeat = fc.array(fc.boolean(), { minLength: RECORDS, maxLength: RECORDS });
  await fc.assert(
    fc.asyncProperty(fc.tuple(isRepeat, isRepeat), fc.array(step, { maxLength: 25 }), async (repeats, steps) => {
      const { store, partitions } = world(repeats);
      const members = [await handDrivenReducer(store, partitions), await handDrivenReducer(store, partitions)];
      for (const next of steps) {
        const member = members[next.member]!;
        if ("assign" in next) await member.assign(next.assign);
        else await member.read(next.partition, next.read);
        const rows = await rowsOf(store);
        expect(new Set(rows).size).toBe(rows.length);
      }
      await members[1]!.assign([]);
      await members[0]!.assign([0, 1]);
      for (const each of [0, 1]) await members[0]!.read(each, RECORDS);
      expect(await members[0]!.assign([0, 1])).toEqual(
        new Map([
          [0, RECORDS],
          [1, RECORDS],
        ]),
      );
      expect(await rowsOf(store)).toEqual(rowsExpected(partitions));
    }),
    propertyRuns(40),
  );
});

/**
 * Two partitions of features.
 *
 * @param repeats by partition, which records repeat one that was published before.
 */
function world(repeats: readonly (readonly boolean[])[] = []): {
  store: ObjectStore;
  partitions: readonly (readonly LogRecord[])[];
} {
  const partitions = [0, 1].map((partition) => {
    let next = 0;
    return Array.from({ length: RECORDS }, (_, offset) => {
      const isRepeat = next > 0 && repeats[partition]?.[offset];
      return featuresRecord(partition, offset, isRepeat ? offset % next : next++);
    });
  });
  return { store: createMemoryObjectStore(["b"]), partitions };
}

/** The source positions that have a row, sorted. */
async function rowsOf(store: ObjectStore): Promise<string[]> {
  const table = await openTable(store, location, { createIfAbsent: true });
  const rows: string[] = [];
  for (const file of table.snapshot.files.values()) {
    for (const row of await readRows(table, file)) rows.push(`${row.source_partition}/${row.source_offset}`);
  }
  return rows.sort();
}

function rowsExpected(partitions: readonly (readonly LogRecord[])[]): string[] {
  const messages = partitions.flat().map(({ value }) => photoFeaturesCodec.decode(value));
  return [...new Set(messages.map(({ sourcePartition, sourceOffset }) => `${sourcePartition}/${sourceOffset}`))].sort();
}
