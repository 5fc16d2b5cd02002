import { afterEach, beforeEach, expect, test } from "vitest";
import { flushMarker } from "#lib/messages/flush-marker.ts";
import { openTable } from "#lib/table/open-table.ts";
import { replayFeatures } from "#ops/replay/replay-features.ts";
import { parseBound } from "#ops/replay/replay-range.ts";
import { readStarts } from "#ops/replay/replay-start.ts";
import { openFolderPipeline } from "../../../fakes/folder-pipeline.ts";
import { reduceUpToEnd } from "../../../fakes/reduce-up-to-end.ts";

const TABLE = "s3://tables/rebuilt";
const LOCATION = { bucket: "tables", prefix: "rebuilt" };
const NEVER = new AbortController().signal;
const NOTHING = { records: 0, rows: 0, known: 0, repeats: 0, deadLetters: 0, forgotten: 0, markers: 0 };
let pipeline: Awaited<ReturnType<typeof openFolderPipeline>>;
beforeEach(async () => {
  pipeline = await openFolderPipeline(2);
});
afterEach(() => pipeline[Symbol.asyncDispose]());

/** No range that is not empty is replayed here: that takes a reducer's process. */
function replay(from?: string, to?: string) {
  const bounds = { from: from ? parseBound(from, "--from") : undefined, to: to ? parseBound(to, "--to") : undefined };
  return replayFeatures(pipeline, { tableUri: TABLE, logFile: undefined, ...bounds }, NEVER);
}

const startsOf = async () => {
  const name = { title: "", run: "", topic: pipeline.topics.features };
  return Object.fromEntries(readStarts(await openTable(pipeline.store, LOCATION), name));
};

test("the table notes where it begins, before there is anything to reduce", async () => {
  await pipeline.producer.append(pipeline.topics.features, [flushMarker(0), flushMarker(0), flushMarker(1)]);
  expect(await replay("0:2,1:0", "0:2,1:0")).toEqual(NOTHING);
  expect(await startsOf()).toEqual({ 0: 2, 1: 0 });
});

test("a table that was begun is not begun elsewhere", async () => {
  await pipeline.producer.append(pipeline.topics.features, [flushMarker(0), flushMarker(0), flushMarker(0)]);
  await replay("0:1", "0:1");
  await expect(replay("0:2")).rejects.toMatchObject({
    code: "usage",
    message: expect.stringMatching(
      /began partition 0 at 1 and has come to 1, so it can't begin at 2; leave --from out/,
    ),
  });
  expect(await startsOf()).toEqual({ 0: 1 });
});

test("a table that has all vectors is left as it is", async () => {
  await replay();
  await pipeline.producer.append(pipeline.topics.features, [flushMarker(0), flushMarker(1)]);
  await reduceUpToEnd(pipeline.admin, pipeline.topics.features, { ...pipeline, location: LOCATION });
  const before = (await openTable(pipeline.store, LOCATION)).snapshot.version;
  expect(await replay()).toEqual(NOTHING);
  expect((await openTable(pipeline.store, LOCATION)).snapshot.version).toBe(before);
});

test("no topic, no table", async () => {
  const elsewhere = { ...pipeline, topics: { ...pipeline.topics, features: "other.features" } };
  const options = { tableUri: TABLE, logFile: undefined, from: undefined, to: undefined };
  await expect(replayFeatures(elsewhere, options, NEVER)).rejects.toThrow(/no topic "other.features"/);
  await expect(openTable(pipeline.store, LOCATION)).rejects.toThrow(/no table/);
});
