import { availableParallelism } from "node:os";
import pLimit from "p-limit";
import { InferencePool } from "#lib/model/inference/inference-pool.ts";
import type { ModelFolder } from "#lib/model/model-folder.ts";
import { type DecodedPhoto, type DecodeOptions, decodePhoto } from "#lib/photo/decode-photo.ts";
import type { PhotoFile } from "./photo-set.ts";

/** What two models make of the same photos, and how fast. */
export interface ModelComparison {
  /** float32 [dimension] per photo, in the photos' order. */
  readonly features: readonly [Float32Array[], Float32Array[]];
  /** From the photo's bytes to its vector. */
  readonly endToEnd: RoundSpeeds;
  /** From the decoded photo to its vector. */
  readonly inference: RoundSpeeds;
}

/** Photos per second of the first and the second model, by round. */
export type RoundSpeeds = readonly (readonly [number, number])[];

/** As a featurizer batches by default. */
const BATCHES = { batchPhotosMax: 4, batchWaitMsMax: 5 };

/** Enough that no thread waits for a photo. */
const IN_FLIGHT_PHOTOS_MAX = 32;

const ROUNDS = 7;
const ROUND_PHOTOS_MAX = 192;

/**
 * Computes every photo's vector by both models, then measures both in turns, so that what else the machine does meets
 * both. Uses all cores, as a featurizer does.
 */
export async function compareModels(
  models: readonly [ModelFolder, ModelFolder],
  photos: readonly PhotoFile[],
  decode: DecodeOptions,
  report: (line: string) => void,
): Promise<ModelComparison> {
  await using opened = new AsyncDisposableStack();
  const open = async (model: ModelFolder) => {
    const pool = await InferencePool.open({ model, workers: availableParallelism(), ...BATCHES });
    opened.defer(() => pool.close());
    return pool;
  };
  const pools = [await open(models[0]), await open(models[1])] as const;
  const fromBytes = (pool: InferencePool) => async (photo: PhotoFile) =>
    (await pool.infer(await decodePhoto(photo.bytes, decode))).features;
  const fromPixels = (pool: InferencePool) => async (photo: DecodedPhoto) => (await pool.infer(photo)).features;

  report(`featurizing ${photos.length} photos with both models`);
  const features = [await mapAll(photos, fromBytes(pools[0])), await mapAll(photos, fromBytes(pools[1]))] as const;
  const measured = photos.slice(0, ROUND_PHOTOS_MAX);
  const decoded = await mapAll(measured, async ({ bytes }) => shared(await decodePhoto(bytes, decode)));
  report(`measuring ${ROUNDS} rounds of ${measured.length} photos`);
  return {
    features: [features[0], features[1]],
    endToEnd: await alternate(measured, fromBytes(pools[0]), fromBytes(pools[1])),
    inference: await alternate(decoded, fromPixels(pools[0]), fromPixels(pools[1])),
  };
}

/** Cosines of the vectors at the same place. */
export function cosines([a, b]: ModelComparison["features"]): number[] {
  return a.map((vector, index) => cosineOf(vector, b[index]!));
}

/** The cosine of two vectors of one length. */
export function cosineOf(a: Float32Array, b: Float32Array): number {
  const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, value, index) => sum + value * y[index]!, 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

type Step<Item> = (item: Item) => Promise<unknown>;

async function alternate<Item>(items: readonly Item[], first: Step<Item>, second: Step<Item>): Promise<RoundSpeeds> {
  const rounds: [number, number][] = [];
  for (let round = 0; round < ROUNDS; round++) rounds.push([await speed(items, first), await speed(items, second)]);
  return rounds;
}

async function speed<Item>(items: readonly Item[], step: Step<Item>): Promise<number> {
  const startMs = performance.now();
  await mapAll(items, step);
  return (items.length * 1_000) / (performance.now() - startMs);
}

function mapAll<Item, Result>(items: readonly Item[], step: (item: Item) => Promise<Result>): Promise<Result[]> {
  return pLimit(IN_FLIGHT_PHOTOS_MAX).map(items, step);
}

/** A copy that a pool doesn't take away. */
function shared(photo: DecodedPhoto): DecodedPhoto {
  const pixels = new Uint8Array(new SharedArrayBuffer(photo.pixels.byteLength));
  pixels.set(photo.pixels);
  return { ...photo, pixels };
}
