import { expect, test } from "vitest";
import { topicProgress } from "#lib/log/topic-progress.ts";

const offsets =
  (...values: number[]) =>
  async () =>
    values.map((offset, partition) => ({ partition, offset }));
const admin = { endOffsets: offsets(10, 20, 30), earliestOffsets: offsets(0, 5, 30) };

test("what lies before the member's own partitions is to do", async () => {
  const positions = new Map([
    [0, 4],
    [1, 20],
  ]);
  expect(await topicProgress(admin, "photos", positions)).toEqual({ position: "[[0,4],[1,20]]", toDo: 6 });
});

test("what the topic has given up is not to do, nor what lies behind the member's end", async () => {
  expect(await topicProgress(admin, "photos", new Map([[1, 0]]))).toMatchObject({ toDo: 15 });
  expect(await topicProgress(admin, "photos", new Map([[2, 0]]))).toMatchObject({ toDo: 0 });
  expect(await topicProgress(admin, "photos", new Map([[1, 0]]), () => 8)).toMatchObject({ toDo: 3 });
  expect(await topicProgress(admin, "photos", new Map([[1, 9]]), () => 8)).toMatchObject({ toDo: 0 });
});

test("a member without partitions has nothing to do", async () => {
  expect(await topicProgress(admin, "photos", new Map())).toMatchObject({ toDo: 0 });
});
