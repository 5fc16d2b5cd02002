import { open, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cutAtClassifier } from "#lib/model/feature-cut.ts";
import { openPreprocessor } from "#lib/model/inference/preprocessor.ts";
import { hashFile, type ModelFolder } from "#lib/model/model-folder.ts";
import { openNetwork } from "#lib/model/network.ts";
import { type DecodeOptions, decodePhoto } from "#lib/photo/decode-photo.ts";
import type { PhotoFile } from "./photo-set.ts";
import { runScript } from "./python-environment.ts";

/** Where and with what an int8 model is made. */
export interface QuantizePlace {
  readonly python: string;
  /** For what is not kept. */
  readonly work: string;
  readonly out: string;
  readonly decode: DecodeOptions;
  readonly signal: AbortSignal;
}

/**
 * Writes a model folder with the int8 copy of a model: ONNX file, labels and `model.json`, in which every tensor has its
 * name, since a copy of a graph that was cut has a features output of its own.
 *
 * @param calibration the photos whose ranges set the scales of the activations.
 * @throws usage when Python or the script fails.
 */
export async function writeInt8Folder(
  model: ModelFolder,
  calibration: readonly PhotoFile[],
  { python, work, out, decode, signal }: QuantizePlace,
): Promise<void> {
  const { manifest, labels } = model;
  const network = await openNetwork(model, 1);
  await network.session.release();
  const onnx = "model-int8.onnx";
  const tensors = join(work, "calibration.f32");
  const photoShape = await writeInputs(model, calibration, decode, tensors, signal);
  const script = {
    "--model": await withFeatures(model, work),
    "--calibration": tensors,
    "--input": network.input,
    "--out": join(out, onnx),
  };
  const args = [...Object.entries(script).flat(), "--shape", ...photoShape.map(String)];
  await runScript(python, "quantize.py", args, signal);

  const { download: _, labels: __, $schema: ___, ...kept } = manifest;
  const { classes } = manifest.outputs;
  const int8 = {
    ...kept,
    name: `${manifest.name}-int8`,
    onnx,
    sha256: await hashFile(join(out, onnx)),
    input: { ...manifest.input, name: network.input },
    outputs: { features: network.features, ...(classes && { classes: { ...classes, name: network.classes } }) },
    ...(labels && { labels: "labels.txt" }),
  };
  if (labels) await writeFile(join(out, "labels.txt"), `${labels.join("\n")}\n`);
  await writeFile(join(out, "model.json"), `${JSON.stringify(int8, undefined, 2)}\n`);
}

/** The model's inputs for photos, one after the other, from the graph that the pipeline preprocesses with. */
async function writeInputs(
  { manifest }: ModelFolder,
  photos: readonly PhotoFile[],
  decode: DecodeOptions,
  path: string,
  signal: AbortSignal,
): Promise<readonly number[]> {
  const preprocessor = await openPreprocessor(manifest);
  const slot = new Float32Array(3 * manifest.input.width * manifest.input.height);
  await using file = await open(path, "w");
  for (const { bytes } of photos) {
    signal.throwIfAborted();
    await preprocessor.run(await decodePhoto(bytes, decode), slot);
    await file.writeFile(new Uint8Array(slot.buffer));
  }
  await preprocessor.release();
  return preprocessor.photoShape;
}

/** The ONNX file with a features output, so that its int8 copy has one too. */
async function withFeatures({ manifest, onnxPath }: ModelFolder, work: string): Promise<string> {
  if (manifest.outputs.features !== undefined) return onnxPath;
  const path = join(work, "cut.onnx");
  await writeFile(path, cutAtClassifier(await readFile(onnxPath), manifest.outputs.classes?.name));
  return path;
}
