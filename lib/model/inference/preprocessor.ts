import type { DecodedPhoto } from "#lib/photo/decode-photo.ts";
import type { ModelManifest } from "../manifest.ts";
import { type DenseTensor, openOnnxSession } from "../onnx-session.ts";
import { encodePreprocessGraph, PreprocessTensor } from "../preprocess-graph.ts";
import { resizeBands } from "../resize-bands.ts";
import { resizeGeometry } from "../resize-geometry.ts";
import { resizeWeights } from "../resize-weights.ts";
import { AxisCache } from "./axis-cache.ts";

/** Turns decoded photos of any size into a model's input. It computes on the calling thread, single-threaded. */
export interface Preprocessor {
  /** The input's shape without the batch axis. */
  readonly photoShape: readonly number[];
  /** Writes one photo's input, the product of `photoShape` values, into the slot. */
  run(photo: DecodedPhoto, slot: Float32Array): Promise<void>;
  release(): Promise<void>;
}

/** Holds the matrices of about 40 axes of four times the usual input of 224 pixels, or of 350 of 100 pixels. */
const HORIZONTAL_BYTES_MAX = 32 * 1_048_576;
/** In bands an axis takes a sixth. */
const VERTICAL_BYTES_MAX = 6 * 1_048_576;

export async function openPreprocessor(manifest: Pick<ModelManifest, "input" | "scaling">): Promise<Preprocessor> {
  const { input } = manifest;
  const session = await openOnnxSession(encodePreprocessGraph(manifest), 1);
  const horizontals = new AxisCache(resizeWeights, HORIZONTAL_BYTES_MAX);
  const verticals = new AxisCache(resizeBands, VERTICAL_BYTES_MAX);
  const photoShape = input.layout === "NCHW" ? [3, input.height, input.width] : [input.height, input.width, 3];

  function feeds(photo: DecodedPhoto): Record<string, DenseTensor> {
    const { width, height, pixels, partOf } = photo;
    const { horizontal, vertical } = resizeGeometry(
      input,
      { width: photo.photoWidth, height: photo.photoHeight },
      partOf ?? photo,
      { horizontal: { start: partOf?.left ?? 0, size: width }, vertical: { start: partOf?.top ?? 0, size: height } },
    );
    const { bands, reach, weights, pixels: bandPixels } = verticals.get(vertical);
    return {
      [PreprocessTensor.photo]: { data: pixels, shape: [height, width, 3] },
      [PreprocessTensor.horizontal]: { data: horizontals.get(horizontal), shape: [input.width, width] },
      [PreprocessTensor.vertical]: { data: weights, shape: [bands, input.height / bands, reach] },
      [PreprocessTensor.verticalPixels]: { data: bandPixels, shape: [bands, reach] },
    };
  }

  return {
    photoShape,
    run: (photo, slot) =>
      session.runInto(feeds(photo), { [PreprocessTensor.input]: { data: slot, shape: photoShape } }),
    release: () => session.release(),
  };
}
