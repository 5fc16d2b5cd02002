import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openPhotoModel } from "#lib/model/inference/photo-model.ts";
import { loadModelFolder } from "#lib/model/model-folder.ts";
import { type Basis, computeBasis } from "#lib/pca/basis.ts";
import { type OnnxMatrixKernel, openMatrixKernel } from "#lib/pca/kernel/onnx-matrix-kernel.ts";
import { emptyMoments, foldMoments, momentsOfRows } from "#lib/pca/moments.ts";
import { principalAngles, type Subspace } from "#lib/pca/principal-angles.ts";
import { decodePhoto } from "#lib/photo/decode-photo.ts";
import { type BatchPca, dualBatchPca } from "../unit/lib/pca/batch-pca.ts";
import { mergeMoments } from "../unit/lib/pca/merge-moments.ts";

const SHARED = new URL("../../../shared/", import.meta.url);
const PHOTOS = fileURLToPath(new URL("fruits360/small/", SHARED));
const MODEL_FOLDER = fileURLToPath(new URL("../models/mobilenet_v2/", import.meta.url));
const REFERENCE = new URL("reference/pca_small.json", SHARED);

const DIMENSIONS = 1280;
const K = 8;
const BATCH_PHOTOS = 8;

describe("streaming PCA of the features of 800 photos", () => {
  let kernel: OnnxMatrixKernel;
  let features: Float32Array;
  let oracle: Omit<BatchPca, "covariance">;

  beforeAll(async () => {
    kernel = await openMatrixKernel(1);
    features = await featuresOfPhotos();
    oracle = dualBatchPca(features, DIMENSIONS, K);
  });

  afterAll(() => kernel.release());

  test.each([1, 7, 64, 800])("in windows of %i rows is the batch PCA", async (windowRows) => {
    expectBatch(await streamedBasis(features, windowRows, 1), oracle);
  });

  test.each([1, 2, 3, 4])("merged from %i reducers is the same basis", async (reducers) => {
    const expected = await streamedBasis(features, 800, 1);

    const actual = await streamedBasis(features, 64, reducers);

    expectSameBasis(actual, expected);
    expectBatch(actual, oracle);
  });

  test("in another order of the rows is the same basis", async () => {
    const expected = await streamedBasis(features, 800, 1);

    expectSameBasis(await streamedBasis(interleaved(features, 37), 64, 2), expected);
    expectSameBasis(await streamedBasis(interleaved(features, 401), 7, 3), expected);
  });

  test("continued from earlier versions is the same subspace", async () => {
    const total = emptyMoments(DIMENSIONS);
    let basis: Basis | undefined;
    for (const end of [100, 200, 400, 440, 800]) {
      foldMoments(
        total,
        await momentsOfRows(features.subarray(total.count * DIMENSIONS, end * DIMENSIONS), DIMENSIONS, kernel),
      );
      basis = await computeBasis(total, K, kernel, basis);
    }

    expect(basis!.version).toBe(5);
    expectBatch(basis!, oracle);
  });

  test("agrees with scikit-learn's batch PCA of the features that Pillow and Python make", async () => {
    const reference = await readReference();

    const basis = await streamedBasis(features, 64, 2);

    const angles = principalAngles(basis, reference);
    expect(1 - Math.cos(angles.at(-1)!)).toBeLessThan(1e-6);
    for (const [index, variance] of reference.explainedVariance.entries()) {
      expect(Math.abs(basis.explainedVariance[index]! / variance - 1)).toBeLessThan(1e-4);
    }
  });

  async function streamedBasis(rows: Float32Array, windowRows: number, reducers: number): Promise<Basis> {
    const moments = Array.from({ length: reducers }, () => emptyMoments(DIMENSIONS));
    const windowValues = windowRows * DIMENSIONS;
    for (let start = 0, window = 0; start < rows.length; start += windowValues, window++) {
      const windowMoments = await momentsOfRows(rows.subarray(start, start + windowValues), DIMENSIONS, kernel);
      foldMoments(moments[window % reducers]!, windowMoments);
    }
    return computeBasis(moments.reduce(mergeMoments), K, kernel);
  }
});

function expectBatch(basis: Basis, oracle: Omit<BatchPca, "covariance">): void {
  expect(basis.converged).toBe(true);
  expect(basis.rowCount).toBe(800);
  expect(1 - Math.cos(principalAngles(basis, oracle).at(-1)!)).toBeLessThanOrEqual(1e-12);
  expect(largestDifference(basis.mean, oracle.mean)).toBeLessThan(1e-12);
  for (const [index, variance] of oracle.explainedVariance.entries()) {
    expect(Math.abs(basis.explainedVariance[index]! / variance - 1)).toBeLessThan(1e-9);
    expect(basis.explainedVarianceRatio[index]).toBeCloseTo(variance / oracle.totalVariance, 9);
  }
}

function expectSameBasis(actual: Basis, expected: Basis): void {
  expect(largestDifference(actual.components, expected.components)).toBeLessThan(1e-8);
  expect(largestDifference(actual.mean, expected.mean)).toBeLessThan(1e-8);
  expect(largestDifference(actual.explainedVariance, expected.explainedVariance)).toBeLessThan(1e-8);
}

function largestDifference(a: Float64Array, b: Float64Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((largest, value, index) => Math.max(largest, Math.abs(value - b[index]!)), 0);
}

/** The rows in the order 0, s, 2s, … modulo n, for a stride s without a common divisor with n. */
function interleaved(rows: Float32Array, stride: number): Float32Array {
  const count = rows.length / DIMENSIONS;
  const reordered = new Float32Array(rows.length);
  for (let row = 0; row < count; row++) {
    const from = ((row * stride) % count) * DIMENSIONS;
    reordered.set(rows.subarray(from, from + DIMENSIONS), row * DIMENSIONS);
  }
  return reordered;
}

async function readReference(): Promise<Subspace & { explainedVariance: readonly number[] }> {
  const reference = JSON.parse(await readFile(REFERENCE, "utf8"));
  const bytes = Buffer.from(reference.components_base64_f64, "base64");
  const components = Float64Array.from({ length: bytes.byteLength / 8 }, (_, index) => bytes.readDoubleLE(index * 8));
  return { dimensions: DIMENSIONS, components, explainedVariance: reference.explained_variance };
}

/** n × 1280, in the order of the photos' paths. */
async function featuresOfPhotos(): Promise<Float32Array> {
  const folder = await loadModelFolder(MODEL_FOLDER);
  const model = await openPhotoModel(folder, BATCH_PHOTOS);
  const decodeOptions = { input: folder.manifest.input };
  const paths = await photoPaths();
  const features = new Float32Array(paths.length * DIMENSIONS);
  for (let start = 0; start < paths.length; start += BATCH_PHOTOS) {
    const batch = paths.slice(start, start + BATCH_PHOTOS);
    const photos = await Promise.all(batch.map(async (path) => decodePhoto(await readFile(path), decodeOptions)));
    for (const [index, outcome] of (await model.infer(photos)).entries()) {
      if (!("vector" in outcome)) throw new Error(`${batch[index]}: ${outcome.invalidFeatures}`);
      features.set(outcome.vector.features, (start + index) * DIMENSIONS);
    }
  }
  await model.release();
  return features;
}

async function photoPaths(): Promise<string[]> {
  const entries = await readdir(PHOTOS, { recursive: true });
  return entries
    .filter((name) => name.endsWith(".jpg"))
    .sort()
    .map((name) => join(PHOTOS, name));
}
