import { expect, test } from "vitest";
import { partitionsStatus } from "#ops/status/read-status.ts";

test("lag is what the topic still has above what is done", () => {
  const earliest = new Map([
    [0, 0],
    [1, 40],
    [2, 0],
  ]);
  const ends = [100, 50, 20].map((offset, partition) => ({ partition, offset }));
  const done = [90, 0, 25];
  expect(partitionsStatus(earliest, ends, (partition) => done[partition]!)).toEqual([
    { partition: 0, done: 90, end: 100, lag: 10 },
    // 40 records are gone from the topic: nobody can do them any more.
    { partition: 1, done: 0, end: 50, lag: 10 },
    { partition: 2, done: 25, end: 20, lag: 0 },
  ]);
});
