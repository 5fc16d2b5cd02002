import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { PositionedProducer } from "#lib/log/record-log.ts";
import { openTable } from "#lib/table/open-table.ts";
import { replayPhotos } from "#ops/replay/replay-photos.ts";
import { parseBound } from "#ops/replay/replay-range.ts";
import { readStarts } from "#ops/replay/replay-start.ts";
import { openFolderPipeline } from "../../../fakes/folder-pipeline.ts";
import { reduceUpToEnd } from "../../../fakes/reduce-up-to-end.ts";
import { writeTinyModel } from "../../../faults/tiny-model.ts";
import { appendRows } from "../../analysis/vectors/fruit-table.ts";
import { photoRow } from "../../lib/table/photo-rows.ts";

const LOCATION = { bucket: "tables", prefix: "t" };
const RUN = "again";
const GROUP = `test.replay.${RUN}`;
const NEVER = new AbortController().signal;
const NOTHING = { records: 0, rows: 0, known: 0, repeats: 0, deadLetters: 0, forgotten: 0, markers: 0 };

let modelFolder: string;
beforeAll(async () => {
  modelFolder = await mkdtemp(join(tmpdir(), "fruitstream-model-"));
  await writeTinyModel(modelFolder);
});
afterAll(() => rm(modelFolder, { recursive: true }));

let pipeline: Awaited<ReturnType<typeof openFolderPipeline>>;
beforeEach(async () => {
  pipeline = await openFolderPipeline(2);
  await openTable(pipeline.store, LOCATION, { createIfAbsent: true });
  const photo = (partition: number) => ({ partition, key: null, value: Buffer.from("photo") });
  await pipeline.producer.append(pipeline.topics.photos, [photo(0), photo(0), photo(0), photo(1)]);
});
afterEach(() => pipeline[Symbol.asyncDispose]());

/** A reducer is at work: whatever marker is appended, the table is past it. No range is replayed that is not empty. */
function replay(from?: string, to?: string) {
  const { admin, topics, store } = pipeline;
  const producer: PositionedProducer = {
    ...pipeline.producer,
    appendOne: async (topic, record) => {
      const place = await pipeline.producer.appendOne(topic, record);
      await reduceUpToEnd(admin, topics.features, { store, location: LOCATION });
      return place;
    },
  };
  const bounds = { from: from ? parseBound(from, "--from") : undefined, to: to ? parseBound(to, "--to") : undefined };
  const wanted = { run: RUN, modelFolder, tableUri: "s3://tables/t", share: 0.5, logFile: undefined, ...bounds };
  return replayPhotos({ ...pipeline, producer }, wanted, NEVER);
}

const committed = () => pipeline.admin.committedOffsets(GROUP, pipeline.topics.photos);
const starts = async () => {
  const name = { title: "", run: RUN, topic: pipeline.topics.photos };
  return Object.fromEntries(readStarts(await openTable(pipeline.store, LOCATION), name));
};

test("a run begins where it is told, in the table and in its group", async () => {
  expect(await replay("0:2,1:1", "0:2,1:1")).toEqual(NOTHING);
  expect(await starts()).toEqual({ 0: 2, 1: 1 });
  expect(await committed()).toEqual([
    { partition: 0, offset: 2 },
    { partition: 1, offset: 1 },
  ]);
});

test("a run that has everything has nothing left to do, and is not begun again", async () => {
  await replay("0:0,1:0", "0:0,1:0");
  const all = await pipeline.admin.endOffsets(pipeline.topics.photos);
  await pipeline.admin.commitOffsets(GROUP, pipeline.topics.photos, all);
  expect(await replay()).toEqual(NOTHING);
  expect(await starts()).toEqual({ 0: 0, 1: 0 });
  expect(await committed()).toEqual(all);
});

test("where a gap would stay, it is refused and nothing is begun", async () => {
  await replay("0:1", "0:1");
  await expect(replay("0:2")).rejects.toThrow(/run "again" began partition 0 at 1 .* can't begin at 2/);
  expect(await committed()).toEqual([{ partition: 0, offset: 1 }]);
});

test("a run that another table has is refused: this one would lack its photos", async () => {
  await pipeline.admin.commitOffsets(GROUP, pipeline.topics.photos, [{ partition: 0, offset: 2 }]);
  await expect(replay()).rejects.toMatchObject({
    code: "usage",
    message: expect.stringMatching(
      /was replayed, but s3:\/\/tables\/t does not know of it; name the table that has it/,
    ),
  });
  expect(await starts()).toEqual({});
});

test("a run of another model is refused: its vectors would be taken for repeats", async () => {
  const table = await openTable(pipeline.store, LOCATION);
  await appendRows(table, [photoRow({ model: "other-0a1b2c3d", run: RUN })]);
  await expect(replay()).rejects.toThrow(/run "again" has rows of model other-0a1b2c3d, this one is tiny-/);
  expect(await committed()).toEqual([]);
});

test("no topic, no replay", async () => {
  const elsewhere = { ...pipeline, topics: { ...pipeline.topics, photos: "other.photos" } };
  const wanted = { run: RUN, modelFolder, tableUri: "s3://tables/t", share: 1, logFile: undefined };
  const replaying = replayPhotos(elsewhere, { ...wanted, from: undefined, to: undefined }, NEVER);
  await expect(replaying).rejects.toThrow(/no topic "other.photos"/);
});
