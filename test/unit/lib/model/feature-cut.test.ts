import { describe, expect, test } from "vitest";
import { CUT_FEATURES, cutAtClassifier } from "../../../../lib/model/feature-cut.ts";
import { encodeOnnxModel, type GraphNode } from "../../../../lib/model/onnx-graph.ts";
import { openOnnxSession } from "../../../../lib/model/onnx-session.ts";

const PHOTOS = 2;
/** Two photos of two channels of 1 × 2 pixels: the channels' means are [1, 3] and [5, 7]. */
const pixels = { data: Float32Array.of(0, 2, 2, 4, 4, 6, 6, 8), shape: [PHOTOS, 2, 1, 2] };
const flatten: GraphNode = { op: "Flatten", inputs: ["x"], outputs: ["flat"], attributes: { axis: 1 } };
const relu: GraphNode = { op: "Relu", inputs: ["x"], outputs: ["map"] };

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

function encode(nodes: readonly GraphNode[], outputs = ["classes"]): Uint8Array {
  return encodeOnnxModel({
    name: "classifier",
    inputs: [{ name: "x", type: "float32", shape: ["photos", 2, 1, 2] }],
    outputs: outputs.map((name) => ({ name, type: "float32", shape: ["photos", "values"] })),
    constants: [
      { name: "dense", values: Float32Array.from({ length: 12 }, (_, index) => index), shape: [4, 3] },
      {
        name: "unit",
        values: Float32Array.from({ length: 16 }, (_, index) => (index % 5 === 0 ? 1 : 0)),
        shape: [4, 4],
      },
      { name: "bias", values: Float32Array.of(1, 2, 3), shape: [3] },
      { name: "pointwise", values: Float32Array.of(1, 1), shape: [1, 2, 1, 1] },
      { name: "wide", values: Float32Array.of(1, 1, 1, 1), shape: [1, 2, 1, 2] },
    ],
    nodes,
  });
}
