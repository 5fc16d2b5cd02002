import { describe, expect, test } from "vitest";
import { openTable } from "#lib/table/open-table.ts";
import { continueRanges, noteStarts, readStarts } from "#ops/replay/replay-start.ts";
import { createMemoryObjectStore } from "../../../fakes/memory-object-store.ts";

const name = { title: 'run "r"', run: "r", topic: "photos" };
const range = (from: number, to: number) => [{ partition: 0, from, to }];
const at = (offset?: number) => new Map(offset === undefined ? [] : [[0, offset]]);

describe("a replay", () => {
  test("that was never begun begins where it is told", () => {
    expect(continueRanges(name, range(3, 9), true, at(), at())).toEqual(range(3, 9));
  });

  test("that was begun goes on after what is done, or from its start when the group was forgotten", () => {
    expect(continueRanges(name, range(0, 9), false, at(2), at(6))).toEqual(range(6, 9));
    expect(continueRanges(name, range(0, 9), false, at(2), at())).toEqual(range(2, 9));
    expect(continueRanges(name, range(4, 9), true, at(2), at(6))).toEqual(range(6, 9));
  });

  test("that has all of it has nothing left to do", () => {
    expect(continueRanges(name, range(0, 5), false, at(0), at(7))).toEqual(range(7, 7));
  });

  test.each([1, 7])("can't be told to begin at %i, where records would be lost", (from) => {
    const continuing = () => continueRanges(name, range(from, 9), true, at(2), at(6));
    expect(continuing).toThrow(/run "r" began partition 0 at 2 and has come to 6, so it can't begin at/);
  });
});

test("the table notes starts once, for each run and topic", async () => {
  const store = createMemoryObjectStore(["b"]);
  const open = () => openTable(store, { bucket: "b", prefix: "t" }, { createIfAbsent: true });
  const [table, other] = [await open(), await open()];
  expect(readStarts(table, name).size).toBe(0);
  const starts = [
    { partition: 0, offset: 4 },
    { partition: 11, offset: 0 },
  ];
  await noteStarts(table, name, starts, ({ partition, offset }) => [{ appId: `more/${partition}`, version: offset }]);
  const reopened = await open();
  expect([...readStarts(reopened, name)]).toEqual([
    [0, 4],
    [11, 0],
  ]);
  expect(reopened.snapshot.txnVersions.get("more/0")).toBe(4);
  expect(readStarts(reopened, { ...name, run: "r2" }).size).toBe(0);

  // Another process that knew of no start.
  await expect(noteStarts(other, name, [{ partition: 0, offset: 0 }])).rejects.toThrow(/is being begun by another/);
});
