import type { ModelManifest, Scaling } from "./manifest.ts";
import { type ConstantTensor, ElementType, encodeOnnxModel, type GraphNode } from "./onnx-graph.ts";

/** Names of the graph's inputs and of its output. */
export const PreprocessTensor = {
  /** uint8 [height, width, 3], RGB, of any size. */
  photo: "photo",
  /** float32 [model's width, photo's width], from `resizeWeights`. */
  horizontal: "horizontal",
  /** float32 [bands, model's height / bands, reach], from `resizeBands`. */
  vertical: "vertical",
  /** int32 [bands, reach], from `resizeBands`. */
  verticalPixels: "vertical pixels",
  /** float32, one photo of the model's input, without the batch axis. */
  input: "input",
} as const;

/**
 * The ONNX model that turns a decoded photo into a model's input: resize, crop or padding, scaling, channel order
 * and layout.
 *
 * The resize is Pillow's, bit by bit but for ties of rounding: a pass along the rows, then one along the columns, each
 * rounded and clipped to whole numbers of 0…255 (`QuantizeLinear` does both at once). Both are matrix products, which at
 * these sizes ONNX Runtime computes faster than libvips or the `Resize` operator walk their sparse rows; along the
 * columns in bands, which leave most zeros out. Along the rows bands would cost more in transposing than they save.
 *
 * It is a graph of its own and not prepended to the model's, because photos of one batch differ in size.
 */
export function encodePreprocessGraph({ input, scaling }: Pick<ModelManifest, "input" | "scaling">): Uint8Array {
  const planes = [3, input.height, input.width];
  const constants: ConstantTensor[] = [
    scalar("unit", 1),
    { name: "planes' shape", values: BigInt64Array.from(planes, BigInt), shape: [3] },
    ...scalingConstants(scaling),
  ];
  const nodes: GraphNode[] = [
    { op: "Transpose", inputs: [PreprocessTensor.photo], outputs: ["bytes"], attributes: { perm: [2, 0, 1] } },
    { op: "Cast", inputs: ["bytes"], outputs: ["planes"], attributes: { to: ElementType.float32 } },
    { op: "Transpose", inputs: [PreprocessTensor.horizontal], outputs: ["rows"], attributes: { perm: [1, 0] } },
    { op: "MatMul", inputs: ["planes", "rows"], outputs: ["narrow"] },
    ...roundToByte("narrow", "narrow rounded"),
    {
      op: "Gather",
      inputs: ["narrow rounded", PreprocessTensor.verticalPixels],
      outputs: ["bands"],
      attributes: { axis: 1 },
    },
    { op: "MatMul", inputs: [PreprocessTensor.vertical, "bands"], outputs: ["resized bands"] },
    { op: "Reshape", inputs: ["resized bands", "planes' shape"], outputs: ["resized"] },
    ...roundToByte("resized", "rounded"),
  ];
  let last = "rounded";
  if (input.resize !== "stretch" && "letterbox" in input.resize) {
    constants.push(...paddingConstants(input.resize.padColour));
    nodes.push(...addPadding(last, "padded"));
    last = "padded";
  }
  nodes.push({ op: "Mul", inputs: [last, "factor"], outputs: ["scaled"] });
  nodes.push({ op: "Add", inputs: ["scaled", "offset"], outputs: ["rgb"] });
  last = "rgb";
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
      { name: PreprocessTensor.vertical, type: "float32", shape: ["bands", "band height", "reach"] },
      { name: PreprocessTensor.verticalPixels, type: "int32", shape: ["bands", "reach"] },
    ],
    outputs: [{ name: PreprocessTensor.input, type: "float32", shape: perm.map((axis) => planes[axis]!) }],
    constants,
    nodes,
  });
}

/** To the nearest whole number of 0…255, of two the even one. */
function roundToByte(from: string, to: string): GraphNode[] {
  return [
    { op: "QuantizeLinear", inputs: [from, "unit"], outputs: [`${to} bytes`] },
    { op: "Cast", inputs: [`${to} bytes`], outputs: [to], attributes: { to: ElementType.float32 } },
  ];
}

function paddingConstants(padColour: readonly number[]): ConstantTensor[] {
  return [
    { name: "height and 1", values: BigInt64Array.of(-1n, 1n), shape: [2] },
    { name: "first axis", values: BigInt64Array.of(0n), shape: [1] },
    { name: "last axis", values: BigInt64Array.of(-1n), shape: [1] },
    { name: "pad colour", values: Float32Array.from(padColour), shape: [3, 1, 1] },
  ];
}

/** A row of weights sums to 1 where there is a photo, but for rounding, and to 0 where there is padding. */
function addPadding(from: string, to: string): GraphNode[] {
  return [
    { op: "ReduceSum", inputs: [PreprocessTensor.vertical, "last axis"], outputs: ["band sums"] },
    { op: "Reshape", inputs: ["band sums", "height and 1"], outputs: ["row sums"] },
    { op: "ReduceSum", inputs: ["rows", "first axis"], outputs: ["column sums"] },
    { op: "Mul", inputs: ["row sums", "column sums"], outputs: ["coverage"] },
    { op: "Round", inputs: ["coverage"], outputs: ["inside"] },
    { op: "Sub", inputs: ["unit", "inside"], outputs: ["outside"] },
    { op: "Mul", inputs: ["pad colour", "outside"], outputs: ["padding"] },
    { op: "Add", inputs: [from, "padding"], outputs: [to] },
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
