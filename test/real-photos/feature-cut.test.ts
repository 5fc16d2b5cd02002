import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { openPhotoModel } from "#lib/model/inference/photo-model.ts";
import { loadModelFolder, type ModelFolder } from "#lib/model/model-folder.ts";
import { decodePhoto } from "#lib/photo/decode-photo.ts";

const shared = (path: string) => fileURLToPath(new URL(`../../../shared/${path}`, import.meta.url));
const PHOTO = shared("fruits360/tiny/Test/Banana/115_100.jpg");

/** The same network with its weights stored as int8, in a file of its own. */
const EIGHT_BIT = shared("models/mobilenet_v2_tf2_w8.onnx");

test.each([
  { name: "mobilenet_v2", dimension: 1280, onnxPath: undefined },
  { name: "mobilenet_v2", dimension: 1280, onnxPath: EIGHT_BIT },
  { name: "resnet18", dimension: 512, onnxPath: undefined },
  { name: "resnet50", dimension: 2048, onnxPath: undefined },
])("$name cut at its classifier gives its declared features ($onnxPath)", async ({ name, dimension, onnxPath }) => {
  const folder = await loadModelFolder(fileURLToPath(new URL(`../models/${name}`, import.meta.url)));
  const declared = onnxPath === undefined ? folder : { ...folder, onnxPath };
  const { features: _, ...outputs } = declared.manifest.outputs;
  const cut = { ...declared, manifest: { ...declared.manifest, outputs } };

  const expected = await inferOne(declared);
  const actual = await inferOne(cut);
  expect(actual.features).toHaveLength(dimension);
  expect(Buffer.from(actual.features.buffer).equals(Buffer.from(expected.features.buffer))).toBe(true);
  expect(actual.predictions).toEqual(expected.predictions);
});

async function inferOne(model: ModelFolder) {
  const photoModel = await openPhotoModel(model, 1);
  const bytes = await readFile(PHOTO);
  const photo = await decodePhoto(bytes, { input: model.manifest.input });
  const [outcome] = await photoModel.infer([photo]);
  await photoModel.release();
  if (!outcome || !("vector" in outcome)) throw new Error("the photo has no vector");
  return outcome.vector;
}
