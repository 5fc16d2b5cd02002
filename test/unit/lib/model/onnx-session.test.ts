import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodeOnnxModel } from "#lib/model/onnx-graph.ts";
import { type OnnxSession, openOnnxSession } from "#lib/model/onnx-session.ts";

/** y = a b, z = y + 1 */
const graph = encodeOnnxModel({
  name: "product",
  inputs: [
    { name: "a", type: "float32", shape: ["rows", 2] },
    { name: "b", type: "float32", shape: [2, 2] },
  ],
  outputs: [
    { name: "y", type: "float32", shape: ["rows", 2] },
    { name: "z", type: "float32", shape: ["rows", 2] },
  ],
  constants: [{ name: "one", values: Float32Array.of(1), shape: [] }],
  nodes: [
    { op: "MatMul", inputs: ["a", "b"], outputs: ["y"] },
    { op: "Add", inputs: ["y", "one"], outputs: ["z"] },
  ],
});
const feeds = {
  a: { data: Float32Array.of(1, 2, 3, 4), shape: [2, 2] },
  b: { data: Float32Array.of(0, 1, 1, 0), shape: [2, 2] },
};

let session: OnnxSession;
beforeAll(async () => {
  session = await openOnnxSession(graph, 1);
});
afterAll(() => session.release());

describe("openOnnxSession", () => {
  test("names inputs and outputs", () => {
    expect([session.inputNames, session.outputNames]).toEqual([
      ["a", "b"],
      ["y", "z"],
    ]);
  });

  test("computes the outputs that are asked for", async () => {
    expect(await session.run(feeds, ["z"])).toEqual({ z: { data: Float32Array.of(3, 2, 5, 4), shape: [2, 2] } });
  });

  test("computes into a part of the caller's array and leaves the rest alone", async () => {
    const data = new Float32Array(8).fill(-1);
    await session.runInto(feeds, { y: { data: data.subarray(2, 6), shape: [2, 2] } });
    expect(data).toEqual(Float32Array.of(-1, -1, 2, 1, 4, 3, -1, -1));
  });

  test.each([
    { what: "a missing file", model: "no/such/model.onnx", named: "no/such/model.onnx" },
    { what: "bytes that are no graph", model: Uint8Array.of(1, 2, 3), named: "a graph of 3 bytes" },
  ])("refuses $what", async ({ model, named }) => {
    const opening = openOnnxSession(model, 1);
    await expect(opening).rejects.toMatchObject({ code: "invalid-model", message: expect.stringContaining(named) });
  });
});
