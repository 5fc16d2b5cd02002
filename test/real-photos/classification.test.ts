import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { type LabelledVectors, runExperiment } from "#analysis/classify/learning/experiment.ts";
import { questionsOf } from "#analysis/classify/task.ts";
import { openPhotoModel } from "#lib/model/inference/photo-model.ts";
import { loadModelFolder } from "#lib/model/model-folder.ts";
import { decodePhoto } from "#lib/photo/decode-photo.ts";
import { Random } from "#lib/runtime/random.ts";

const PHOTOS = fileURLToPath(new URL("../../../shared/fruits360/small/", import.meta.url));
const MODEL_FOLDER = fileURLToPath(new URL("../models/mobilenet_v2/", import.meta.url));
/** Three kinds of apple among them, and green, red and orange fruit that differ in little else. */
const CLASSES = ["Apple Braeburn", "Apple Granny Smith", "Apple Red 1", "Limes", "Orange", "Peach"];
const BATCH_PHOTOS = 8;
const WIDE_DIMENSIONS = 4096;

const options = { trainShare: 0.7, passesMax: 100, seed: 20 };

let features: LabelledVectors;
beforeAll(async () => {
  features = await featuresOfPhotos();
});

describe.each([
  { what: "1280 features of 300 photos", vectorsOf: () => features },
  // No model with 4096 features is at hand: the shape and the scale are those of one, the content is MobileNetV2's.
  { what: "their random projection to 4096 dimensions, clipped at zero", vectorsOf: () => projected(features) },
])("linear SVMs on $what", ({ vectorsOf }) => {
  test("tell pairs of classes apart, and one class from all others", () => {
    const data = vectorsOf();
    const rowsByLabel = new Map(CLASSES.map((label) => [label, 50]));
    const meanOf = (kind: "pairs" | "one-vs-all-sample", count: number) => {
      const results = questionsOf({ kind, count }, rowsByLabel, 20).map((question) =>
        runExperiment(data, question, options),
      );
      const sum = results.reduce((total, { evaluation }) => total + evaluation.balancedAccuracy, 0);
      return sum / results.length;
    };
    expect(meanOf("pairs", 15)).toBeGreaterThanOrEqual(0.98);
    expect(meanOf("one-vs-all-sample", 6)).toBeGreaterThanOrEqual(0.97);
  });
});

async function featuresOfPhotos(): Promise<LabelledVectors> {
  const folder = await loadModelFolder(MODEL_FOLDER);
  const model = await openPhotoModel(folder, BATCH_PHOTOS);
  const decodeOptions = { input: folder.manifest.input };
  const names = (await readdir(PHOTOS, { recursive: true })).filter((name) => name.endsWith(".jpg"));
  const photos = names
    .map((name) => ({ name, label: name.split("/").at(-2)! }))
    .filter(({ label }) => CLASSES.includes(label))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const vectors: Float32Array[] = [];
  for (let start = 0; start < photos.length; start += BATCH_PHOTOS) {
    const batch = photos.slice(start, start + BATCH_PHOTOS);
    const decoded = batch.map(async ({ name }) => decodePhoto(await readFile(join(PHOTOS, name)), decodeOptions));
    for (const outcome of await model.infer(await Promise.all(decoded))) {
      if (!("vector" in outcome)) throw new Error(outcome.invalidFeatures);
      vectors.push(outcome.vector.features.slice());
    }
  }
  await model.release();
  return { labels: photos.map(({ label }) => label), vectors };
}

function projected({ labels, vectors }: LabelledVectors): LabelledVectors {
  const random = new Random(1);
  const wide = vectors.map(() => new Float32Array(WIDE_DIMENSIONS));
  const weights = new Float32Array(vectors[0]!.length);
  for (let column = 0; column < WIDE_DIMENSIONS; column++) {
    for (let at = 0; at < weights.length; at++) weights[at] = random.within(-1, 1);
    for (const [row, vector] of vectors.entries()) {
      let sum = 0;
      for (let at = 0; at < weights.length; at++) sum += weights[at]! * vector[at]!;
      wide[row]![column] = Math.max(0, sum);
    }
  }
  return { labels, vectors: wide };
}
