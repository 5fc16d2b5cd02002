import { expect, test } from "vitest";
import { ReadingEnd } from "#lib/log/reading-end.ts";

const offsets = [
  { partition: 0, offset: 5 },
  { partition: 2, offset: 0 },
];

test("a partition that is not named is not read", () => {
  const end = new ReadingEnd(offsets, async () => []);
  expect([0, 1, 2].map((partition) => end.of(partition))).toEqual([5, 0, 0]);
});

test("it is reached once every named partition has come to its end", async () => {
  const end = new ReadingEnd(offsets, async () => [{ partition: 0, offset: 0 }]);
  const reachedAt = (next: number | undefined) => end.isReached((partition) => (partition === 0 ? next : undefined));
  expect(await reachedAt(undefined)).toBe(false);
  expect(await reachedAt(4)).toBe(false);
  expect(await reachedAt(5)).toBe(true);
});

test("what the topic does not have any more is not waited for", async () => {
  const end = new ReadingEnd(offsets, async () => [{ partition: 0, offset: 7 }]);
  expect(await end.isReached(() => 2)).toBe(true);
});
