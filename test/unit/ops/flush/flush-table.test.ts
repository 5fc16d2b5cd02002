import { afterEach, beforeEach, expect, test } from "vitest";
import { isFlushMarker } from "#lib/messages/flush-marker.ts";
import type { Clock } from "#lib/runtime/clock.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { openTable } from "#lib/table/open-table.ts";
import { flushTable } from "#ops/flush/flush-table.ts";
import { openFolderPipeline } from "../../../fakes/folder-pipeline.ts";
import { reduceUpToEnd } from "../../../fakes/reduce-up-to-end.ts";

const LOCATION = { bucket: "tables", prefix: "t" };
const NEVER = new AbortController().signal;
let pipeline: Awaited<ReturnType<typeof openFolderPipeline>>;
let table: DeltaTable;
beforeEach(async () => {
  pipeline = await openFolderPipeline(3);
  table = await openTable(pipeline.store, LOCATION, { createIfAbsent: true });
});
afterEach(() => pipeline[Symbol.asyncDispose]());

/** Time passes while the flush sleeps, and `meanwhile` is what others do then, told how often it has slept. */
function flush(meanwhile: (sleeps: number) => Promise<unknown>, signal = NEVER): Promise<void> {
  let nowMs = 0;
  let sleeps = 0;
  const clock: Clock = {
    nowMs: () => nowMs,
    sleep: async (delayMs) => {
      nowMs += delayMs;
      await meanwhile(++sleeps);
    },
  };
  const { admin, producer, topics } = pipeline;
  return flushTable({ admin, producer, table, featuresTopic: topics.features, clock }, 60, signal);
}

const reduce = () => reduceUpToEnd(pipeline.admin, pipeline.topics.features, { ...pipeline, location: LOCATION });

test("every partition gets a marker, and the flush waits until the table is past all of them", async () => {
  let reducedAtSleep = 0;
  await flush(async (sleeps) => {
    if (sleeps === 3) await reduce();
    reducedAtSleep = sleeps;
  });
  expect(reducedAtSleep).toBe(3);
  const partitions: number[] = [];
  await pipeline.log.readTopic(pipeline.topics.features, ({ partition, key, value }) => {
    expect(isFlushMarker({ key, value })).toBe(true);
    partitions.push(partition);
  });
  expect(partitions).toEqual([0, 1, 2]);
  expect(table.snapshot.version).toBe(1);
});

test("a table that stands still is named, with the partitions and what may be missing", async () => {
  await reduce();
  const flushing = flush(async () => undefined);
  await expect(flushing).rejects.toMatchObject({
    code: "stack-unavailable",
    message:
      "s3://tables/t has stood still for 60 s, with vectors of partitions 0, 1, 2 to come; does a reducer run on this table and these topics?",
  });
});

test("an interruption ends the wait", async () => {
  const stop = new AbortController();
  await expect(flush(async () => stop.abort(new Error("Ctrl-C")), stop.signal)).rejects.toThrow("Ctrl-C");
});
