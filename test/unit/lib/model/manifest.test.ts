import { describe, expect, test } from "vitest";
import { parseManifest } from "#lib/model/manifest.ts";

const minimal = {
  name: "tiny-net_1.0",
  onnx: "tiny.onnx",
  input: { name: "x", width: 8, height: 6, layout: "NCHW", channelOrder: "RGB", resize: "stretch" },
  scaling: "x/255",
  outputs: { features: "features" },
  source: "https://example.org/tiny",
  licence: "Apache-2.0",
};

describe("parseManifest", () => {
  test("takes a model without classes and fills in topK and the preprocessing version", () => {
    expect(parse(minimal)).toEqual({ ...minimal, topK: 5, preprocessingVersion: 1 });
  });

  test("takes every field", () => {
    const full = {
      ...minimal,
      sha256: "0".repeat(64),
      input: { ...minimal.input, layout: "NHWC", channelOrder: "BGR", resize: { shorterSide: 9, centreCrop: true } },
      scaling: { mean: [0.5, 0.5, 0.5], std: [0.2, 0.2, 0.2] },
      outputs: { features: "features", classes: { name: "logits", kind: "probabilities" } },
      labels: "labels.txt",
      topK: 3,
      preprocessingVersion: 1,
      dimension: 1280,
      download: { url: "https://example.org/tiny.onnx", bytes: 1234 },
    };
    expect(parse(full)).toEqual(full);
  });

  test("takes names from the graph and a letterbox", () => {
    const { name: _, ...input } = minimal.input;
    const resize = { letterbox: true, padColour: [114, 0, 255] };
    const lean = { ...minimal, input: { ...input, resize }, outputs: { classes: { kind: "logits" } }, labels: "l.txt" };
    expect(parse(lean)).toMatchObject(lean);
  });

  test.each([
    { field: "name", change: { name: "a/b" } },
    { field: "name", change: { name: "" } },
    { field: "onnx", change: { onnx: undefined } },
    { field: "sha256", change: { sha256: "ABC" } },
    { field: "input.width", change: { input: { ...minimal.input, width: 0 } } },
    { field: "input.layout", change: { input: { ...minimal.input, layout: "CHW" } } },
    { field: "input.resize", change: { input: { ...minimal.input, resize: "letterbox" } } },
    { field: "input", change: { input: { ...minimal.input, resize: { shorterSide: 7, centreCrop: true } } } },
    { field: "scaling", change: { scaling: { mean: [0, 0, 0], std: [1, 0, 1] } } },
    { field: "input.resize", change: { input: { ...minimal.input, resize: { letterbox: true } } } },
    {
      field: "input.resize",
      change: { input: { ...minimal.input, resize: { letterbox: true, padColour: [0, 0, 256] } } },
    },
    { field: "preprocessingVersion", change: { preprocessingVersion: 2 } },
    { field: "outputs.features", change: { outputs: { features: "" } } },
    { field: "dimension", change: { dimension: 0 } },
    { field: "download.url", change: { sha256: "0".repeat(64), download: { url: "ftp://example.org/x", bytes: 1 } } },
    { field: "sha256", change: { download: { url: "https://example.org/x", bytes: 1 } } },
    { field: "labels", change: { labels: "labels.txt" } },
    { field: "labels", change: { outputs: { features: "f", classes: { name: "c", kind: "logits" } } } },
    { field: "topK", change: { topK: 0 } },
    { field: "source", change: { source: "the web" } },
    { field: "licence", change: { licence: "" } },
    { field: "colour", change: { colour: "red" } },
  ])("names $field in $change", ({ field, change }) => {
    const parsing = () => parse({ ...minimal, ...change });
    expect(parsing).toThrow(
      expect.objectContaining({ code: "invalid-model", message: expect.stringContaining(field) }),
    );
    expect(parsing).toThrow("models/tiny/model.json");
  });

  test("names the file that is no JSON", () => {
    expect(() => parseManifest("{", "models/tiny/model.json")).toThrow(/models\/tiny\/model\.json must be JSON/);
  });
});

function parse(manifest: unknown) {
  return parseManifest(JSON.stringify(manifest), "models/tiny/model.json");
}
