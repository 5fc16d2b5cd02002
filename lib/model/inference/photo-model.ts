import { indexOfNonFinite } from "#lib/messages/message-bounds.ts";
import type { Prediction } from "#lib/messages/messages.ts";
import type { DecodedPhoto } from "#lib/photo/decode-photo.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { ModelFolder } from "../model-folder.ts";
import { openNetwork } from "../network.ts";
import type { DenseTensor } from "../onnx-session.ts";
import { topPredictions } from "./predictions.ts";
import { openPreprocessor } from "./preprocessor.ts";

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
  /** The CPU time of the calls of `infer` since the last look, or since the warm-up. */
  takeCpu(): InferenceCpu;
  release(): Promise<void>;
}

/** CPU time of the calling thread, by what it computed. */
export interface InferenceCpu {
  /** Resizing, scaling and layout. */
  readonly resizeSeconds: number;
  /** The network. */
  readonly inferSeconds: number;
}

/**
 * Loads a model and warms it up at the largest and the smallest batch, so that the first photo meets grown memory
 * arenas and any disagreement between manifest and graph shows now.
 *
 * @throws invalid-model when the graph can't be loaded or is not what its manifest says.
 */
export async function openPhotoModel(model: ModelFolder, batchPhotosMax: number): Promise<PhotoModel> {
  const { input } = model.manifest;
  const network = await openNetwork(model, 1);
  const preprocessor = await openPreprocessor(model.manifest);
  const outputNames = network.classes === undefined ? [network.features] : [network.features, network.classes];
  const photoValues = 3 * input.width * input.height;
  const batch = new Float32Array(batchPhotosMax * photoValues);
  const cpu = { resizeSeconds: 0, inferSeconds: 0 };

  async function run(photos: readonly DecodedPhoto[]): Promise<Outputs> {
    const start = process.threadCpuUsage();
    for (const [index, photo] of photos.entries()) {
      await preprocessor.run(photo, batch.subarray(index * photoValues, (index + 1) * photoValues));
    }
    const resized = process.threadCpuUsage();
    const data = batch.subarray(0, photos.length * photoValues);
    const feeds = { [network.input]: { data, shape: [photos.length, ...preprocessor.photoShape] } };
    const results = await network.session.run(feeds, outputNames);
    cpu.resizeSeconds += secondsBetween(start, resized);
    cpu.inferSeconds += secondsBetween(resized, process.threadCpuUsage());
    return {
      features: rows(results[network.features]!, photos.length),
      classes: network.classes === undefined ? undefined : rows(results[network.classes]!, photos.length),
    };
  }

  function takeCpu(): InferenceCpu {
    const taken = { ...cpu };
    Object.assign(cpu, { resizeSeconds: 0, inferSeconds: 0 });
    return taken;
  }

  const blank = blankPhoto(input.width, input.height);
  const warm = await warmUp(model, () => run(new Array<DecodedPhoto>(batchPhotosMax).fill(blank)));
  await warmUp(model, () => run([blank]));
  takeCpu();
  const featureDimension = warm.features[0]!.length;
  checkDimension(model, featureDimension);
  checkClassCount(model, warm.classes?.[0]?.length);

  return {
    featureDimension,
    async infer(photos) {
      const { features, classes } = await run(photos);
      return features.map((row, index) => outcome(model, row, classes?.[index]));
    },
    takeCpu,
    async release() {
      await preprocessor.release();
      await network.session.release();
    },
  };
}

/** One array per photo. */
interface Outputs {
  readonly features: readonly Float32Array[];
  /** Undefined where the model has no classes. */
  readonly classes: readonly Float32Array[] | undefined;
}

function outcome({ manifest, labels }: ModelFolder, features: Float32Array, classes?: Float32Array): PhotoOutcome {
  const invalidFeatures = nonFinite("feature", features) ?? (classes && nonFinite("class", classes));
  if (invalidFeatures !== undefined) return { invalidFeatures };
  const kind = manifest.outputs.classes?.kind;
  const predictions = classes && kind && labels ? topPredictions(classes, kind, labels, manifest.topK) : null;
  return { vector: { features, predictions } };
}

function nonFinite(what: string, values: Float32Array): string | undefined {
  const index = indexOfNonFinite(values);
  return index < 0 ? undefined : `${what} ${index} is ${values[index]}; every one must be finite`;
}

function secondsBetween(before: NodeJS.CpuUsage, after: NodeJS.CpuUsage): number {
  return (after.user - before.user + after.system - before.system) / 1e6;
}

/** Splits a batch's output into one array per photo, each with a buffer of its own that can be transferred. */
function rows({ data }: DenseTensor, photos: number): Float32Array[] {
  if (!(data instanceof Float32Array))
    throw new FruitstreamError("invalid-model", "outputs must be exported as float32");
  const length = data.length / photos;
  return Array.from({ length: photos }, (_, index) => data.slice(index * length, (index + 1) * length));
}

function checkDimension({ manifest, onnxPath }: ModelFolder, dimension: number): void {
  if (manifest.dimension === undefined || manifest.dimension === dimension) return;
  const problem = `the features of ${onnxPath} have ${dimension} values, but "dimension" is ${manifest.dimension}`;
  throw new FruitstreamError("invalid-model", `${problem}; correct the model.json`);
}

function checkClassCount({ manifest, labels }: ModelFolder, count: number | undefined): void {
  if (count === undefined || labels === null || count === labels.length) return;
  const problem = `${manifest.name} has ${count} classes, but there are ${labels.length} labels`;
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
