import { afterEach, beforeEach, expect, test } from "vitest";
import { TinyPipeline } from "./tiny-pipeline.ts";

let pipeline: TinyPipeline;
beforeEach(async () => {
  pipeline = await TinyPipeline.open(3);
});
afterEach(() => pipeline.close());

test("flush has the table take what reducers would hold for an hour", async () => {
  const model = await pipeline.model("mean", 1);
  pipeline.start("featurizer", { FEATURIZER_MODEL_DIR: model });
  for (let reducer = 0; reducer < 2; reducer++) pipeline.start("reducer", { REDUCER_WINDOW_MS_MAX: "3600000" });
  await pipeline.announce(12);
  await pipeline.untilFeaturized();

  const { code, stdout, stderr } = await pipeline.cli("flush");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(/has everything published before/);
  const rows = await pipeline.rows();
  expect(new Set(rows.map(({ path }) => path)).size).toBe(12);
  expect(rows).toHaveLength(12);

  // Markers are no photos: neither rows nor dead letters.
  expect(await pipeline.admin.endOffsets(pipeline.topics.deadLetters)).toEqual([{ partition: 0, offset: 0 }]);
});

test("without a reducer flush says so and gives up", async () => {
  const { code, stderr } = await pipeline.cli("flush", "--timeout", "1");
  expect(code).toBe(1);
  expect(stderr).toMatch(/partitions 0, 1, 2 to come; does a reducer run on this table/);
});
