import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { InferencePool } from "#lib/model/inference/inference-pool.ts";
import { loadModelFolder, type ModelFolder } from "#lib/model/model-folder.ts";
import { decodePhoto } from "#lib/photo/decode-photo.ts";

const shared = new URL("../../../shared/", import.meta.url);
const reference: { features: Record<string, string> } = JSON.parse(
  readFileSync(new URL("reference/mobilenet_v2_features.json", shared), "utf8"),
);

let model: ModelFolder;
let pool: InferencePool;
beforeAll(async () => {
  model = await loadModelFolder(fileURLToPath(new URL("../models/mobilenet_v2", import.meta.url)));
  pool = await InferencePool.open({ model, workers: 2, batchPhotosMax: 4, batchWaitMsMax: 5 });
});
afterAll(() => pool.close());

test.each([
  { set: "fruits360/", cosineMin: 0.9995, photos: 25 },
  { set: "photos/", cosineMin: 0.999, photos: 39 },
])(
  "features of $set agree with Pillow's preprocessing to a cosine of $cosineMin",
  async ({ set, cosineMin, photos }) => {
    const paths = Object.keys(reference.features).filter((path) => path.startsWith(set));
    expect(paths).toHaveLength(photos);

    const cosines = await Promise.all(
      paths.map(async (path) => {
        const vector = await pool.infer(await decode(path));
        expect(vector.features).toHaveLength(pool.featureDimension);
        return { path, cosine: cosineOf(vector.features, floats(reference.features[path]!)) };
      }),
    );
    expect(cosines.filter(({ cosine }) => !(cosine >= cosineMin))).toEqual([]);
  },
);

test("a photo's features don't depend on the batch it happens to be in", async () => {
  const paths = Object.keys(reference.features).slice(0, 4);
  const alone: Float32Array[] = [];
  for (const path of paths) alone.push((await pool.infer(await decode(path))).features);

  const photos = await Promise.all([...paths, ...paths, ...paths].map(decode));
  const together = await Promise.all(photos.map((photo) => pool.infer(photo)));
  for (const [index, { features }] of together.entries()) {
    expect(cosineOf(features, alone[index % paths.length]!)).toBeGreaterThan(1 - 1e-6);
  }
});

async function decode(path: string) {
  const bytes = await readFile(new URL(encodeURI(path), shared));
  return decodePhoto(bytes, { input: model.manifest.input });
}

function floats(base64: string): Float32Array {
  return new Float32Array(Uint8Array.from(Buffer.from(base64, "base64")).buffer);
}

function cosineOf(a: Float32Array, b: Float32Array): number {
  const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, value, index) => sum + value * y[index]!, 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}
