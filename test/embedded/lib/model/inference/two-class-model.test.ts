import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { InferencePool } from "#lib/model/inference/inference-pool.ts";
import { loadModelFolder } from "#lib/model/model-folder.ts";
import { writeTwoClassModel } from "./two-class-model.ts";

test("a 192 × 192 classifier of two classes gives features and predictions", async () => {
  const folder = await mkdtemp(join(tmpdir(), "fruitstream-two-classes-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeTwoClassModel(folder);
  const model = await loadModelFolder(folder);
  const pool = await InferencePool.open({ model, workers: 1, batchPhotosMax: 2, batchWaitMsMax: 0 });
  onTestFinished(() => pool.close());

  const vectors = await Promise.all([pool.infer(photo(204, 51)), pool.infer(photo(0, 255))]);
  const probability = 1 / (1 + Math.exp(-8 * 0.6));
  expect([...vectors[0]!.features]).toEqual([expect.closeTo(0.8, 3), expect.closeTo(0.2, 3)]);
  expect(vectors[0]!.predictions).toEqual([
    { label: "cherry", score: expect.closeTo(probability, 3) },
    { label: "plum", score: expect.closeTo(1 - probability, 3) },
  ]);
  expect(vectors[1]!.predictions?.[0]?.label).toBe("plum");
});

function photo(red: number, blue: number) {
  const [width, height] = [5, 7];
  const pixels = Uint8Array.from({ length: 3 * width * height }, (_, index) => [red, 99, blue][index % 3]!);
  return { pixels, width, height, photoWidth: width, photoHeight: height };
}
