import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { encodeOnnxModel } from "#lib/model/onnx-graph.ts";
import { Random } from "#lib/runtime/random.ts";

/** The length of the tiny model's vectors. */
export const TINY_DIMENSIONS = 64;

const SIDE_PX = 8;
const WEIGHTS_SEED = 64;

/**
 * Writes a model folder whose network is one matrix: all pixels of an 8 × 8 photo times 192 × 64 random weights. It
 * costs next to nothing, and photos that differ have vectors that differ.
 */
export async function writeTinyModel(folder: string): Promise<void> {
  const random = new Random(WEIGHTS_SEED);
  const pixelValues = 3 * SIDE_PX * SIDE_PX;
  const weights = Float32Array.from({ length: pixelValues * TINY_DIMENSIONS }, () => 2 * random.next() - 1);
  const onnx = encodeOnnxModel({
    name: "tiny",
    inputs: [{ name: "photo", type: "float32", shape: ["photos", 3, SIDE_PX, SIDE_PX] }],
    outputs: [{ name: "features", type: "float32", shape: ["photos", TINY_DIMENSIONS] }],
    constants: [{ name: "weights", values: weights, shape: [pixelValues, TINY_DIMENSIONS] }],
    nodes: [
      { op: "Flatten", inputs: ["photo"], outputs: ["pixels"], attributes: { axis: 1 } },
      { op: "MatMul", inputs: ["pixels", "weights"], outputs: ["features"] },
    ],
  });
  const manifest = {
    name: "tiny",
    onnx: "tiny.onnx",
    input: {
      name: "photo",
      width: SIDE_PX,
      height: SIDE_PX,
      layout: "NCHW",
      channelOrder: "RGB",
      resize: "stretch",
    },
    scaling: "x/127.5-1",
    outputs: { features: "features" },
    source: "https://example.org/tiny",
    licence: "Apache-2.0",
  };
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "tiny.onnx"), onnx);
  await writeFile(join(folder, "model.json"), JSON.stringify(manifest));
}
