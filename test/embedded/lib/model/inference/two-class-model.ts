import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { encodeOnnxModel } from "#lib/model/onnx-graph.ts";

/**
 * Writes the folder of a model as small teams train them: 192 × 192 pixels, x/255, two classes, no features output and
 * no tensor named in the manifest. Its features are a photo's mean red and mean blue, and it tells the redder photos
 * from the bluer ones.
 */
export async function writeTwoClassModel(folder: string): Promise<void> {
  const side = 192;
  const onnx = encodeOnnxModel({
    name: "two_classes",
    inputs: [{ name: "photo", type: "float32", shape: ["photos", 3, side, side] }],
    outputs: [{ name: "probabilities", type: "float32", shape: ["photos", 2] }],
    constants: [
      { name: "red and blue", values: Float32Array.of(1, 0, 0, 0, 0, 1), shape: [2, 3, 1, 1] },
      { name: "weights", values: Float32Array.of(4, -4, -4, 4), shape: [2, 2] },
    ],
    nodes: [
      { op: "Conv", inputs: ["photo", "red and blue"], outputs: ["map"], attributes: { kernel_shape: [1, 1] } },
      { op: "GlobalAveragePool", inputs: ["map"], outputs: ["means"] },
      { op: "Flatten", inputs: ["means"], outputs: ["vector"], attributes: { axis: 1 } },
      { op: "Gemm", inputs: ["vector", "weights"], outputs: ["logits"] },
      { op: "Softmax", inputs: ["logits"], outputs: ["probabilities"] },
    ],
  });
  const manifest = {
    name: "two-classes",
    onnx: "two-classes.onnx",
    input: { width: side, height: side, layout: "NCHW", channelOrder: "RGB", resize: "stretch" },
    scaling: "x/255",
    outputs: { classes: { kind: "probabilities" } },
    dimension: 2,
    labels: "labels.txt",
    topK: 2,
    source: "https://example.org/two-classes",
    licence: "Apache-2.0",
  };
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "two-classes.onnx"), onnx);
  await writeFile(join(folder, "labels.txt"), "cherry\nplum\n");
  await writeFile(join(folder, "model.json"), JSON.stringify(manifest));
}
