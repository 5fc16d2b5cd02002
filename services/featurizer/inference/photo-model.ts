import type { Prediction } from "../../../lib/contract/messages.ts";
import type { ModelFolder } from "../../../lib/model/model-folder.ts";
import { type DenseTensor, type OnnxSession, openOnnxSession } from "../../../lib/model/onnx-session.ts";
import { encodePreprocessGraph, PreprocessTensor } from "../../../lib/model/preprocess-graph.ts";
import { resizeGeometry } from "../../../lib/model/resize-geometry.ts";
import { FruitstreamError } from "../../../lib/runtime/errors.ts";
import type { DecodedPhoto } from "../decode-photo.ts";
import { topPredictions } from "./predictions.ts";
import { WeightCache } from "./weight-cache.ts";

export interface PhotoVector {
  /** float32 [dimension], all finite. */
  readonly features: Float32Array;
  /** Best first; null where the model has no classes. */
  readonly predictions: Prediction[] | null;
}

/** One photo's outcome: its vector, or why it has none that could be used. */
export type PhotoOutcome = { readonly vector: PhotoVector } | { readonly invalidFeatures: string };

/** A model that takes decoded photos of any size. It computes on the calling thread, single-threaded. */
export interface PhotoModel {
  readonly featureDimension: number;
  /** One outcome per photo, in order; 1 to `batchPhotosMax` photos. Calls must not overlap: they share one buffer. */
  infer(photos: readonly DecodedPhoto[]): Promise<PhotoOutcome[]>;
  release(): Promise<void>;
}

/**
 * Loads a model and warms it up at the largest and the smallest batch, so that the first photo meets grown memory
 * arenas and any disagreement between manifest and graph shows now.
 *
 * @throws invalid-model when the graph can't be loaded or is not what its manifest says.
 */
export async function openPhotoModel(model: ModelFolder, batchPhotosMax: number): Promise<PhotoModel> {
  const { input, outputs } = model.manifest;
  const network = await openOnnxSession(model.onnxPath, 1);
  checkNames(model, network);
  const preprocess = await openOnnxSession(encodePreprocessGraph(model.manifest), 1);
  const weights = new WeightCache(WEIGHT_CACHE_BYTES_MAX);
  const outputNames = outputs.classes === undefined ? [outputs.features] : [outputs.features, outputs.classes.name];
  const photoValues = 3 * input.width * input.height;
  const batch = new Float32Array(batchPhotosMax * photoValues);
  const photoShape = input.layout === "NCHW" ? [3, input.height, input.width] : [input.height, input.width, 3];

  async function run(photos: readonly DecodedPhoto[]): Promise<Record<string, DenseTensor>> {
    for (const [index, photo] of photos.entries()) {
      const slot = batch.subarray(index * photoValues, (index + 1) * photoValues);
      await preprocess.runInto(preprocessFeeds(photo), { [PreprocessTensor.input]: { data: slot, shape: photoShape } });
    }
    const data = batch.subarray(0, photos.length * photoValues);
    return network.run({ [input.name]: { data, shape: [photos.length, ...photoShape] } }, outputNames);
  }

  function preprocessFeeds(photo: DecodedPhoto): Record<string, DenseTensor> {
    const { width, height, pixels, partOf } = photo;
    const { horizontal, vertical } = resizeGeometry(
      input,
      { width: photo.photoWidth, height: photo.photoHeight },
      partOf ?? photo,
      { horizontal: { start: partOf?.left ?? 0, size: width }, vertical: { start: partOf?.top ?? 0, size: height } },
    );
    return {
      [PreprocessTensor.photo]: { data: pixels, shape: [height, width, 3] },
      [PreprocessTensor.horizontal]: { data: weights.get(horizontal), shape: [input.width, width] },
      [PreprocessTensor.vertical]: { data: weights.get(vertical), shape: [input.height, height] },
    };
  }

  const blank = blankPhoto(input.width, input.height);
  const warm = await warmUp(model, () => run(new Array<DecodedPhoto>(batchPhotosMax).fill(blank)));
  await warmUp(model, () => run([blank]));
  checkClassCount(model, warm, batchPhotosMax);

  return {
    featureDimension: rows(warm[outputs.features]!, batchPhotosMax)[0]!.length,
    async infer(photos) {
      const results = await run(photos);
      const features = rows(results[outputs.features]!, photos.length);
      const classes = outputs.classes && rows(results[outputs.classes.name]!, photos.length);
      return features.map((row, index) => outcome(model, row, classes?.[index]));
    },
    async release() {
      await preprocess.release();
      await network.release();
    },
  };
}

/** Holds the matrices of about 40 axes of four times the usual input of 224 pixels, or of 350 of 100 pixels. */
const WEIGHT_CACHE_BYTES_MAX = 32 * 1_048_576;

function outcome({ manifest, labels }: ModelFolder, features: Float32Array, classes?: Float32Array): PhotoOutcome {
  const invalidFeatures = nonFinite("feature", features) ?? (classes && nonFinite("class", classes));
  if (invalidFeatures !== undefined) return { invalidFeatures };
  const kind = manifest.outputs.classes?.kind;
  const predictions = classes && kind && labels ? topPredictions(classes, kind, labels, manifest.topK) : null;
  return { vector: { features, predictions } };
}

function nonFinite(what: string, values: Float32Array): string | undefined {
  const index = values.findIndex((value) => !Number.isFinite(value));
  return index < 0 ? undefined : `${what} ${index} is ${values[index]}; every one must be finite`;
}

/** Splits a batch's output into one array per photo, each with a buffer of its own that can be transferred. */
function rows({ data }: DenseTensor, photos: number): Float32Array[] {
  if (!(data instanceof Float32Array))
    throw new FruitstreamError("invalid-model", "outputs must be exported as float32");
  const length = data.length / photos;
  return Array.from({ length: photos }, (_, index) => data.slice(index * length, (index + 1) * length));
}

function checkNames({ manifest, onnxPath }: ModelFolder, { inputNames, outputNames }: OnnxSession): void {
  const { input, outputs } = manifest;
  const expected = [
    { field: "input.name", name: input.name, known: inputNames },
    { field: "outputs.features", name: outputs.features, known: outputNames },
    ...(outputs.classes ? [{ field: "outputs.classes.name", name: outputs.classes.name, known: outputNames }] : []),
  ];
  for (const { field, name, known } of expected) {
    if (known.includes(name)) continue;
    const problem = `${field} is "${name}", but ${onnxPath} has ${known.map((one) => `"${one}"`).join(", ")}`;
    throw new FruitstreamError("invalid-model", `${problem}; correct the model.json`);
  }
}

function checkClassCount(
  { manifest, labels }: ModelFolder,
  results: Record<string, DenseTensor>,
  photos: number,
): void {
  const { classes } = manifest.outputs;
  if (classes === undefined || labels === null) return;
  const count = results[classes.name]!.data.length / photos;
  if (count === labels.length) return;
  const problem = `output "${classes.name}" of ${manifest.name} has ${count} classes, but there are ${labels.length} labels`;
  throw new FruitstreamError("invalid-model", `${problem}; give one line per class in ${manifest.labels}`);
}

async function warmUp<T>({ manifest, onnxPath }: ModelFolder, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    const { width, height, layout } = manifest.input;
    const problem = `${onnxPath} does not take a batch of ${width} x ${height} photos as ${layout}: ${String(cause)}`;
    throw new FruitstreamError("invalid-model", `${problem}; correct "input" or export it with a free batch size`, {
      cause,
    });
  }
}

function blankPhoto(width: number, height: number): DecodedPhoto {
  return { pixels: new Uint8Array(3 * width * height), width, height, photoWidth: width, photoHeight: height };
}
