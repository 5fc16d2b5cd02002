import { join } from "node:path";
import sharp from "sharp";
import { afterEach, beforeEach, expect, test } from "vitest";
import { writeTwoClassModel } from "../embedded/lib/model/inference/two-class-model.ts";
import { TinyPipeline } from "./tiny-pipeline.ts";

let pipeline: TinyPipeline;
beforeEach(async () => {
  pipeline = await TinyPipeline.open(2);
});
afterEach(() => pipeline.close());

test("a classifier's best labels and scores are in the table", async () => {
  const folder = join(pipeline.folder, "two-classes");
  await writeTwoClassModel(folder);
  pipeline.start("featurizer", { FEATURIZER_MODEL_DIR: folder });
  pipeline.start("reducer");
  const [red, blue] = await pipeline.announce(2, (count) => flatPhoto(count === 1 ? "#ff0000" : "#0000ff"));
  await pipeline.untilFeaturized();
  expect((await pipeline.cli("flush")).code).toBe(0);

  const rows = new Map((await pipeline.rows()).map((row) => [row.path, row.predictions]));
  expect(rows.get(pipeline.photoUri(red!))).toEqual([
    { label: "cherry", score: expect.closeTo(1, 2) },
    { label: "plum", score: expect.closeTo(0, 2) },
  ]);
  expect(rows.get(pipeline.photoUri(blue!))).toMatchObject([{ label: "plum" }, { label: "cherry" }]);
});

function flatPhoto(background: string): Promise<Uint8Array> {
  return sharp({ create: { width: 16, height: 16, channels: 3, background } })
    .png()
    .toBuffer();
}
