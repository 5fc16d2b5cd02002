import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ModelFolder } from "#lib/model/model-folder.ts";
import { encodeOnnxModel } from "#lib/model/onnx-graph.ts";
import type { DecodedPhoto } from "#lib/photo/decode-photo.ts";

const SIDE = 4;

/** A model whose features are the logarithms of its input's bytes, so that a black pixel gives -infinity. */
export class TinyModel {
  readonly #folder = mkdtempSync(join(tmpdir(), "fruitstream-tiny-"));
  readonly model: ModelFolder;

  constructor(change: { labels?: readonly string[]; outputs?: ModelFolder["manifest"]["outputs"] } = {}) {
    const onnxPath = join(this.#folder, "tiny.onnx");
    writeFileSync(onnxPath, logarithmGraph());
    this.model = {
      id: "tiny-000000000000",
      onnxPath,
      labels: change.labels ?? null,
      manifest: {
        name: "tiny",
        onnx: "tiny.onnx",
        input: { name: "x", width: SIDE, height: SIDE, layout: "NCHW", channelOrder: "RGB", resize: "stretch" },
        scaling: "none",
        preprocessingVersion: 1,
        outputs: change.outputs ?? { features: "features" },
        topK: 2,
        source: "https://example.org/tiny",
        licence: "Apache-2.0",
      },
    };
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true });
  }
}

/** The dimension of the tiny model's features. */
export const tinyDimension = 3 * SIDE * SIDE;

/** A photo of one grey and any size; resized it stays that grey. */
export function greyPhoto(grey: number, width = 7, height = 3): DecodedPhoto {
  const pixels = new Uint8Array(3 * width * height).fill(grey);
  return { pixels, width, height, photoWidth: width, photoHeight: height };
}

function logarithmGraph(): Uint8Array {
  return encodeOnnxModel({
    name: "logarithm",
    inputs: [{ name: "x", type: "float32", shape: ["batch", 3, SIDE, SIDE] }],
    outputs: [{ name: "features", type: "float32", shape: ["batch", tinyDimension] }],
    nodes: [
      { op: "Flatten", inputs: ["x"], outputs: ["flat"], attributes: { axis: 1 } },
      { op: "Log", inputs: ["flat"], outputs: ["features"] },
    ],
  });
}
