import { describe, expect, test } from "vitest";
import { CUT_FEATURES, cutAtClassifier } from "#lib/model/feature-cut.ts";
import { type ConstantTensor, encodeOnnxModel, type Graph, type GraphNode } from "#lib/model/onnx-graph.ts";
import { openOnnxSession } from "#lib/model/onnx-session.ts";

const PHOTOS = 2;
/** Two photos of two channels of 1 × 2 pixels: the channels' means are [1, 3] and [5, 7]. */
const pixels = { data: Float32Array.of(0, 2, 2, 4, 4, 6, 6, 8), shape: [PHOTOS, 2, 1, 2] };
const weights: ConstantTensor[] = [
  { name: "dense", values: Float32Array.from({ length: 12 }, (_, index) => index), shape: [4, 3] },
  { name: "unit", values: diagonal(1), shape: [4, 4] },
  { name: "double", values: diagonal(2), shape: [4, 4] },
  { name: "half", values: Float32Array.of(0.5), shape: [] },
  { name: "bias", values: Float32Array.of(1, 2, 3), shape: [3] },
  { name: "pointwise", values: Float32Array.of(1, 1), shape: [1, 2, 1, 1] },
  { name: "wide", values: Float32Array.of(1, 1, 1, 1), shape: [1, 2, 1, 2] },
];
const flatten: GraphNode = { op: "Flatten", inputs: ["x"], outputs: ["flat"], attributes: { axis: 1 } };
const relu: GraphNode = { op: "Relu", inputs: ["x"], outputs: ["map"] };
/** Field 1 of a model; of two the last one holds. Before version 4 weights had to be among the inputs. */
const IR_VERSION_3 = Buffer.of(0x08, 3);

describe("a graph without features", () => {
  test.each<{ what: string; nodes: GraphNode[] }>([
    {
      what: "a Gemm",
      nodes: [flatten, { op: "Gemm", inputs: ["flat", "dense"], outputs: ["classes"] }],
    },
    {
      what: "a MatMul with bias and softmax",
      nodes: [
        flatten,
        { op: "MatMul", inputs: ["flat", "dense"], outputs: ["product"] },
        { op: "Add", inputs: ["bias", "product"], outputs: ["logits"] },
        { op: "Softmax", inputs: ["logits"], outputs: ["classes"] },
      ],
    },
    {
      what: "a Gemm with weights that the graph unpacks",
      nodes: [
        flatten,
        { op: "Neg", inputs: ["dense"], outputs: ["packed"] },
        { op: "Neg", inputs: ["packed"], outputs: ["unpacked"] },
        { op: "Gemm", inputs: ["flat", "unpacked", ""], outputs: ["classes"] },
      ],
    },
    {
      what: "the last of two Gemms",
      nodes: [
        flatten,
        { op: "Gemm", inputs: ["flat", "unit"], outputs: ["hidden"] },
        { op: "Relu", inputs: ["hidden"], outputs: ["active"] },
        { op: "Gemm", inputs: ["active", "dense"], outputs: ["classes"] },
      ],
    },
  ])("gets the vector before $what", async ({ nodes }) => {
    const { features } = await cutAndRun(nodes);
    expect(features).toEqual({ data: pixels.data, shape: [PHOTOS, 4] });
  });

  test("gets what the last of VGG's three Gemms takes, past dropouts that pass everything on", async () => {
    const { features, classes } = await cutAndRun([
      flatten,
      { op: "Gemm", inputs: ["flat", "double"], outputs: ["first"] },
      { op: "Relu", inputs: ["first"], outputs: ["first active"] },
      { op: "Dropout", inputs: ["first active", "half"], outputs: ["first kept"] },
      { op: "Gemm", inputs: ["first kept", "double"], outputs: ["second"] },
      { op: "Relu", inputs: ["second"], outputs: ["second active"] },
      { op: "Dropout", inputs: ["second active", "half"], outputs: ["second kept", "mask"] },
      { op: "Gemm", inputs: ["second kept", "dense"], outputs: ["classes"] },
    ]);
    expect(features).toEqual({ data: pixels.data.map((value) => 4 * value), shape: [PHOTOS, 4] });
    expect(classes.shape).toEqual([PHOTOS, 3]);
  });

  test("gets the mean over the pixels before a 1×1 convolution, and keeps its classes", async () => {
    const { features, classes } = await cutAndRun([
      relu,
      { op: "Conv", inputs: ["map", "pointwise"], outputs: ["maps"], attributes: { kernel_shape: [1, 1] } },
      { op: "Relu", inputs: ["maps"], outputs: ["active"] },
      { op: "GlobalAveragePool", inputs: ["active"], outputs: ["means"] },
      { op: "Flatten", inputs: ["means"], outputs: ["classes"], attributes: { axis: 1 } },
    ]);
    expect(features).toEqual({ data: Float32Array.of(1, 3, 5, 7), shape: [PHOTOS, 2] });
    expect(classes.data).toEqual(Float32Array.of(4, 12));
  });

  test.each<{ what: string; nodes: GraphNode[] }>([
    {
      what: "nothing that computes it",
      nodes: [relu, { op: "Flatten", inputs: ["map"], outputs: ["classes"], attributes: { axis: 1 } }],
    },
    {
      what: "Conv",
      nodes: [{ op: "Conv", inputs: ["x", "wide"], outputs: ["classes"], attributes: { kernel_shape: [1, 2] } }],
    },
    { what: "MatMul", nodes: [{ op: "MatMul", inputs: ["x", "x"], outputs: ["classes"] }] },
    { what: "Add", nodes: [relu, { op: "Add", inputs: ["map", "x"], outputs: ["classes"] }] },
    { what: "MaxPool", nodes: [{ op: "MaxPool", inputs: ["x"], outputs: ["classes"] }] },
  ])("is refused where there is $what instead of a classifier", ({ what, nodes }) => {
    expect(() => cutAtClassifier(encode(nodes))).toThrow(
      expect.objectContaining({ code: "invalid-model", message: expect.stringContaining(`there is ${what} where`) }),
    );
  });
});

test("a graph as old as the zoo's, whose weights are inputs too, is cut and takes the photos alone", async () => {
  const nodes: GraphNode[] = [flatten, { op: "Gemm", inputs: ["flat", "dense"], outputs: ["classes"] }];
  const declared = weights.map(({ name, shape }) => ({ name, shape, type: "float32" as const }));
  const onnx = Buffer.concat([encode(nodes, ["classes"], declared), IR_VERSION_3]);
  const session = await openOnnxSession(cutAtClassifier(onnx), 1);
  expect(session.inputNames).toEqual(["x"]);
  const results = await session.run({ x: pixels }, [CUT_FEATURES, "classes"]);
  await session.release();
  expect(results[CUT_FEATURES]).toEqual({ data: pixels.data, shape: [PHOTOS, 4] });
  expect(results.classes!.shape).toEqual([PHOTOS, 3]);
});

test("which of several outputs has the classes must be said", async () => {
  const nodes: GraphNode[] = [flatten, { op: "Gemm", inputs: ["flat", "dense"], outputs: ["classes"] }];
  const onnx = encode(nodes, ["classes", "flat"]);
  expect(() => cutAtClassifier(onnx)).toThrow(/has the outputs "classes", "flat"; name/);
  expect(cutAtClassifier(onnx, "classes").length).toBeGreaterThan(onnx.length);
});

test("bytes that are no model are refused", () => {
  expect(() => cutAtClassifier(Buffer.from("no model"))).toThrow(expect.objectContaining({ code: "invalid-model" }));
});

async function cutAndRun(nodes: readonly GraphNode[]) {
  const session = await openOnnxSession(cutAtClassifier(encode(nodes)), 1);
  const results = await session.run({ x: pixels }, [CUT_FEATURES, "classes"]);
  await session.release();
  return { features: results[CUT_FEATURES]!, classes: results.classes! };
}

function encode(nodes: readonly GraphNode[], outputs = ["classes"], weightInputs: Graph["inputs"] = []): Uint8Array {
  return encodeOnnxModel({
    name: "classifier",
    inputs: [{ name: "x", type: "float32", shape: ["photos", 2, 1, 2] }, ...weightInputs],
    outputs: outputs.map((name) => ({ name, type: "float32", shape: ["photos", "values"] })),
    constants: weights,
    nodes,
  });
}

function diagonal(value: number): Float32Array {
  return Float32Array.from({ length: 16 }, (_, index) => (index % 5 === 0 ? value : 0));
}
