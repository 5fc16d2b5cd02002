import { describe, expect, test } from "vitest";
import { guessManifest } from "#ops/models/guess-manifest.ts";
import { CLASSES, photoGraph } from "./photo-graph.ts";

describe("what a graph says of itself", () => {
  test("layout, size, features and classes", () => {
    const graph = photoGraph({ outputs: ["probabilities", "vector"] });
    const { input, outputs, facts } = guessManifest(graph, CLASSES);
    expect(input).toMatchObject({ name: "photo", layout: "NCHW", width: 6, height: 8 });
    expect(outputs).toEqual({ features: "vector", classes: { name: "probabilities", kind: "probabilities" } });
    expect(facts.map(({ field }) => field)).toEqual([
      "input.layout",
      "input.width, input.height",
      "outputs.features",
      "outputs.classes.kind",
    ]);
  });

  test("channels that come last", () => {
    const graph = photoGraph({ input: ["photos", 8, 6, 3], start: "reorder" });
    expect(guessManifest(graph, undefined).input).toMatchObject({ layout: "NHWC", width: 6, height: 8 });
  });

  test("a classifier to cut off, and scores without a softmax", () => {
    const { outputs } = guessManifest(photoGraph({ outputs: ["scores"] }), CLASSES);
    expect(outputs).toEqual({ classes: { name: "scores", kind: "logits" } });
  });

  test("vectors without a classifier", () => {
    const { outputs, guesses } = guessManifest(photoGraph({ outputs: ["vector"] }), undefined);
    expect(outputs).toEqual({ features: "vector" });
    expect(guesses).toContainEqual(expect.objectContaining({ field: "outputs.features" }));
  });
});

describe("what is guessed", () => {
  test("torchvision's preprocessing for NCHW, Keras' for NHWC", () => {
    expect(guessManifest(photoGraph(), undefined)).toMatchObject({
      input: { resize: { shorterSide: 9, centreCrop: true } },
      scaling: { mean: [0.485, 0.456, 0.406] },
    });
    const keras = photoGraph({ input: ["photos", 8, 6, 3], start: "reorder" });
    expect(guessManifest(keras, undefined)).toMatchObject({ input: { resize: "stretch" }, scaling: "x/127.5-1" });
  });

  test("no scaling for a graph that scales by itself", () => {
    expect(guessManifest(photoGraph({ start: "rescale" }), undefined).scaling).toBe("none");
  });

  test("a size where the graph takes any", () => {
    const { input, guesses } = guessManifest(photoGraph({ input: ["photos", 3, "height", "width"] }), undefined);
    expect(input).toMatchObject({ width: 224, height: 224 });
    expect(guesses[0]).toMatchObject({ field: "input.width, input.height", value: "224 × 224" });
  });

  test("that classes without labels are left out, with a word on how to have them", () => {
    const { outputs, guesses } = guessManifest(photoGraph(), undefined);
    expect(outputs).toEqual({});
    expect(guesses.at(-1)).toMatchObject({ field: "outputs.classes", why: expect.stringContaining("--labels") });
  });
});

describe("a graph that can't be a model", () => {
  test.each([
    { what: "a fixed batch", graph: photoGraph({ input: [1, 3, 8, 6] }), message: /exactly 1 photos.*free first axis/ },
    { what: "one channel", graph: photoGraph({ input: ["photos", 1, 8, 6] }), message: /no axis of 3 channels/ },
    { what: "an input of two axes", graph: photoGraph({ input: ["photos", 3] }), message: /it has "photo" \(float32/ },
    { what: "no ONNX", graph: Buffer.from("<html>"), message: /6 bytes is no ONNX model/ },
    { what: "no outputs", graph: photoGraph({ outputs: [] }), message: /no output is float32/ },
  ])("is refused: $what", ({ graph, message }) => {
    expect(() => guessManifest(graph, undefined)).toThrow(message);
  });

  test("is refused when labels and classes differ in number", () => {
    expect(() => guessManifest(photoGraph(), 3)).toThrow('"probabilities" has 2 classes, but there are 3 labels');
  });
});
