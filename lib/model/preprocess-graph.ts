import type { ModelManifest, Scaling } from "./manifest.ts";
import { type ConstantTensor, ElementType, encodeOnnxModel, type GraphNode } from "./onnx-graph.ts";

/** Names of the graph's inputs and of its output. */
export const PreprocessTensor = {
  /** uint8 [height, width, 3], RGB, of any size. */
  photo: "photo",
  /** float32 [model's width, photo's width], from `resizeWeights`. */
  horizontal: "horizontal",
  /** float32 [model's height, photo's height], from `resizeWeights`. */
  vertical: "vertical",
  /** float32, one photo of the model's input, without the batch axis. */
  input: "input",
} as const;

/**
 * The ONNX model that turns a decoded photo into a model's input: resize, crop, scaling, channel order and layout.
 *
 * The resize is Pillow's, bit by bit but for ties of rounding: a pass along the rows, then one along the columns, each
 * rounded and clipped to whole numbers of 0…255. Both are dense matrix products, which at these sizes ONNX Runtime
 * computes faster than libvips or the `Resize` operator walk their sparse rows.
 *
 * It is a graph of its own and not prepended to the model's, because photos of one batch differ in size.
 */
export function encodePreprocessGraph({ input, scaling }: Pick<ModelManifest, "input" | "scaling">): Uint8Array {
  const planes = [3, input.height, input.width];
  const constants: ConstantTensor[] = [scalar("zero", 0), scalar("peak", 255), ...scalingConstants(scaling)];
  const nodes: GraphNode[] = [
    { op: "Transpose", inputs: [PreprocessTensor.photo], outputs: ["bytes"], attributes: { perm: [2, 0, 1] } },
    { op: "Cast", inputs: ["bytes"], outputs: ["planes"], attributes: { to: ElementType.float32 } },
    { op: "Transpose", inputs: [PreprocessTensor.horizontal], outputs: ["rows"], attributes: { perm: [1, 0] } },
    { op: "MatMul", inputs: ["planes", "rows"], outputs: ["narrow"] },
    ...roundToByte("narrow", "narrow bytes"),
    { op: "MatMul", inputs: [PreprocessTensor.vertical, "narrow bytes"], outputs: ["resized"] },
    ...roundToByte("resized", "resized bytes"),
    { op: "Mul", inputs: ["resized bytes", "factor"], outputs: ["scaled"] },
    { op: "Add", inputs: ["scaled", "offset"], outputs: ["rgb"] },
  ];
  let last = "rgb";
  if (input.channelOrder === "BGR") {
    constants.push({ name: "bgr order", values: BigInt64Array.of(2n, 1n, 0n), shape: [3] });
    nodes.push({ op: "Gather", inputs: [last, "bgr order"], outputs: ["bgr"], attributes: { axis: 0 } });
    last = "bgr";
  }
  const perm = input.layout === "NHWC" ? [1, 2, 0] : [0, 1, 2];
  nodes.push({ op: "Transpose", inputs: [last], outputs: [PreprocessTensor.input], attributes: { perm } });

  return encodeOnnxModel({
    name: "preprocess",
    inputs: [
      { name: PreprocessTensor.photo, type: "uint8", shape: ["photo height", "photo width", 3] },
      { name: PreprocessTensor.horizontal, type: "float32", shape: [input.width, "photo width"] },
      { name: PreprocessTensor.vertical, type: "float32", shape: [input.height, "photo height"] },
    ],
    outputs: [{ name: PreprocessTensor.input, type: "float32", shape: perm.map((axis) => planes[axis]!) }],
    constants,
    nodes,
  });
}

function roundToByte(from: string, to: string): GraphNode[] {
  return [
    { op: "Round", inputs: [from], outputs: [`${from}, rounded`] },
    { op: "Clip", inputs: [`${from}, rounded`, "zero", "peak"], outputs: [to] },
  ];
}

/** Every scaling is x · factor + offset, by channel in the order R, G, B. */
function scalingConstants(scaling: Scaling): ConstantTensor[] {
  const { factor, offset } = affine(scaling);
  return [
    { name: "factor", values: Float32Array.from(factor), shape: [3, 1, 1] },
    { name: "offset", values: Float32Array.from(offset), shape: [3, 1, 1] },
  ];
}

function affine(scaling: Scaling): { factor: number[]; offset: number[] } {
  if (scaling === "none") return { factor: [1, 1, 1], offset: [0, 0, 0] };
  if (scaling === "x/255") return { factor: [1 / 255, 1 / 255, 1 / 255], offset: [0, 0, 0] };
  if (scaling === "x/127.5-1") return { factor: [1 / 127.5, 1 / 127.5, 1 / 127.5], offset: [-1, -1, -1] };
  return {
    factor: scaling.std.map((std) => 1 / (255 * std)),
    offset: scaling.std.map((std, channel) => -scaling.mean[channel]! / std),
  };
}

function scalar(name: string, value: number): ConstantTensor {
  return { name, values: Float32Array.of(value), shape: [] };
}
