import { type ConstantTensor, encodeOnnxModel, type GraphNode } from "#lib/model/onnx-graph.ts";

const CHANNELS = 3;
export const CLASSES = 2;

const constants: ConstantTensor[] = [
  { name: "weights", values: new Float32Array(CHANNELS * CLASSES).fill(0.5), shape: [CHANNELS, CLASSES] },
  { name: "scale", values: Float32Array.of(1 / 255), shape: [1] },
];
const pool: GraphNode = { op: "GlobalAveragePool", inputs: ["x"], outputs: ["pooled"] };
const flatten: GraphNode = { op: "Flatten", inputs: ["pooled"], outputs: ["vector"], attributes: { axis: 1 } };
const classify: GraphNode = { op: "Gemm", inputs: ["vector", "weights"], outputs: ["scores"] };
const softmax: GraphNode = { op: "Softmax", inputs: ["scores"], outputs: ["probabilities"] };
const rescale: GraphNode = { op: "Mul", inputs: ["photo", "scale"], outputs: ["x"] };
const reorder: GraphNode = { op: "Transpose", inputs: ["photo"], outputs: ["x"], attributes: { perm: [0, 3, 1, 2] } };
const pass: GraphNode = { op: "Identity", inputs: ["photo"], outputs: ["x"] };

/** A network over photos: the mean of each channel, and two classes that follow from it. */
export interface PhotoGraphOptions {
  readonly input?: (number | string)[];
  /** What comes before the mean. */
  readonly start?: "pass" | "rescale" | "reorder";
  readonly outputs?: ("vector" | "scores" | "probabilities")[];
}

export function photoGraph(options: PhotoGraphOptions = {}): Uint8Array {
  const { input = ["photos", CHANNELS, 8, 6], start = "pass", outputs = ["probabilities"] } = options;
  return encodeOnnxModel({
    name: "photos",
    inputs: [{ name: "photo", type: "float32", shape: input }],
    outputs: outputs.map((name) => ({
      name,
      type: "float32",
      shape: ["photos", name === "vector" ? CHANNELS : CLASSES],
    })),
    constants,
    nodes: [{ pass, rescale, reorder }[start], pool, flatten, classify, softmax],
  });
}
