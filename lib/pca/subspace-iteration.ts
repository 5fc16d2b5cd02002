import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import type { MatrixKernel } from "./kernel/matrix-kernel.ts";
import { orthonormalise } from "./orthonormal-block.ts";
import type { PackedTriangle } from "./packed-triangle.ts";
import { WorkSlices } from "./work-slices.ts";

/** The state of a block after its last Rayleigh–Ritz step. */
export interface BlockEigenpairs {
  /** `width` Ritz values, descending. */
  readonly values: Float64Array;
  /** Their Ritz vectors: orthonormal columns of a row-major d × width block. */
  readonly vectors: Float64Array;
  /** The largest ‖A x − θ x‖ of the wanted pairs, relative to the largest value; 0 when A is zero. */
  readonly residual: number;
  readonly converged: boolean;
  /** Products of A with a block: what the iteration cost. */
  readonly products: number;
}

export interface BlockIterationOptions {
  readonly width: number;
  /** The leading columns whose residual decides on convergence. */
  readonly wanted: number;
  readonly residualMax: number;
  /** Rounds are cut short after this many products; the result says that it has not converged. */
  readonly productsMax: number;
}

/** Columns differ in growth by at most this in one round, so that orthonormalising them loses no accuracy that counts. */
const ROUND_GROWTH_MAX = 1e8;
const ROUND_DEGREE_MAX = 12;
/** A smallest Ritz value below this share of the largest is taken for zero, where no polynomial has anything to damp. */
const ZERO_SHARE = 1e-12;
/**
 * Rounds made before convergence is believed: a start that is invariant but not dominant has no residual either, and
 * the added directions need rounds to show that something larger exists.
 */
const ROUNDS_MIN = 2;

/**
 * The dominant eigenpairs of a positive semi-definite packed A by block subspace iteration (simultaneous iteration).
 * Each round applies a Chebyshev polynomial of A to the block, which damps [0, θ_width] and grows what lies above
 * (Rutishauser 1969; Zhou & Saad 2007), orthonormalises, and rotates onto the Ritz vectors. Deterministic.
 *
 * The event loop turns between slices of the work; only the width × width eigenproblem is one piece.
 *
 * @param matrix must not change before this resolves.
 * @param start a row-major d × width block, taken over and overwritten.
 */
export async function iterateSubspace(
  matrix: PackedTriangle,
  start: Float64Array,
  { width, wanted, residualMax, productsMax }: BlockIterationOptions,
  kernel: MatrixKernel,
): Promise<BlockEigenpairs> {
  const slices = new WorkSlices();
  let vectors = start;
  let products = 0;
  for (let round = 0; ; round++) {
    await orthonormalise(vectors, width, slices);
    const ritz = await rayleighRitz(matrix, vectors, width, kernel, slices);
    products++;
    const residual = largestResidual(ritz, width, wanted);
    const converged = residual <= residualMax && round >= ROUNDS_MIN;
    const degree = Math.min(roundDegree(ritz.values), productsMax - products);
    if (converged || degree < 1) return { values: ritz.values, vectors: ritz.vectors, residual, converged, products };
    vectors = await applyPolynomial(matrix, ritz, width, degree, kernel);
    products += degree - 1;
  }
}

interface RitzPairs {
  readonly values: Float64Array;
  readonly vectors: Float64Array;
  /** A times the vectors. */
  readonly images: Float64Array;
}

/** The best approximations to eigenpairs within the span of orthonormal columns Q: the eigenpairs of Qᵀ A Q. */
async function rayleighRitz(
  matrix: PackedTriangle,
  columns: Float64Array,
  width: number,
  kernel: MatrixKernel,
  slices: WorkSlices,
): Promise<RitzPairs> {
  const product = new Float64Array(columns.length);
  await kernel.multiplySymmetric(matrix, columns, width, product);
  const gram = await symmetricGram(columns, product, width, slices);
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(gram, { assumeSymmetric: true });
  const descending = realEigenvalues.map((_, index) => index).sort((a, b) => realEigenvalues[b]! - realEigenvalues[a]!);
  const rotation = Float64Array.from({ length: width * width }, (_, index) =>
    eigenvectorMatrix.get(Math.floor(index / width), descending[index % width]!),
  );
  return {
    values: Float64Array.from(descending, (index) => Math.max(0, realEigenvalues[index]!)),
    vectors: await rotateColumns(columns, rotation, width, slices),
    images: await rotateColumns(product, rotation, width, slices),
  };
}

/** The symmetric part of leftᵀ · right, which rounding alone makes unsymmetric. */
async function symmetricGram(
  left: Float64Array,
  right: Float64Array,
  width: number,
  slices: WorkSlices,
): Promise<Matrix> {
  const gram = new Float64Array(width * width);
  await slices.overRows(left.length / width, width * width, (first, end) => {
    for (let at = first * width; at < end * width; at += width) {
      for (let row = 0; row < width; row++) {
        const factor = left[at + row]!;
        for (let column = 0; column < width; column++) {
          gram[row * width + column] = gram[row * width + column]! + factor * right[at + column]!;
        }
      }
    }
  });
  const matrix = Matrix.from1DArray(width, width, gram);
  return matrix.transpose().add(matrix).mul(0.5);
}

async function rotateColumns(
  block: Float64Array,
  rotation: Float64Array,
  width: number,
  slices: WorkSlices,
): Promise<Float64Array> {
  const rotated = new Float64Array(block.length);
  await slices.overRows(block.length / width, width * width, (first, end) => {
    for (let at = first * width; at < end * width; at += width) {
      for (let row = 0; row < width; row++) {
        const factor = block[at + row]!;
        for (let column = 0; column < width; column++) {
          rotated[at + column] = rotated[at + column]! + factor * rotation[row * width + column]!;
        }
      }
    }
  });
  return rotated;
}

function largestResidual({ values, vectors, images }: RitzPairs, width: number, wanted: number): number {
  let largest = 0;
  for (let column = 0; column < wanted; column++) {
    let squares = 0;
    for (let at = column; at < vectors.length; at += width) {
      squares += (images[at]! - values[column]! * vectors[at]!) ** 2;
    }
    largest = Math.max(largest, Math.sqrt(squares));
  }
  return largest === 0 ? 0 : largest / values[0]!;
}

/** The highest degree at which the largest Ritz value's column outgrows the smallest's by no more than the bound. */
function roundDegree(values: Float64Array): number {
  const largest = values[0]!;
  const smallest = values.at(-1)!;
  if (smallest <= ZERO_SHARE * largest) return 1;
  const growthOfDegreeOne = (2 * largest) / smallest - 1;
  const degree = Math.floor(Math.acosh(ROUND_GROWTH_MAX) / Math.acosh(growthOfDegreeOne));
  return Math.max(1, Math.min(ROUND_DEGREE_MAX, degree));
}

/**
 * T_degree((A − c)/c) · X with c half the smallest Ritz value, by the three-term recurrence; the first product is the
 * images. Where the smallest value is zero, A · X.
 */
async function applyPolynomial(
  matrix: PackedTriangle,
  { values, vectors, images }: RitzPairs,
  width: number,
  degree: number,
  kernel: MatrixKernel,
): Promise<Float64Array> {
  const centre = values.at(-1)! / 2;
  if (degree === 1) return images;
  let previous = vectors;
  let current: Float64Array = new Float64Array(vectors.length);
  for (let index = 0; index < current.length; index++) current[index] = images[index]! / centre - vectors[index]!;
  const product = images;
  for (let step = 1; step < degree; step++) {
    await kernel.multiplySymmetric(matrix, current, width, product);
    for (let index = 0; index < current.length; index++) {
      previous[index] = 2 * (product[index]! / centre - current[index]!) - previous[index]!;
    }
    [previous, current] = [current, previous];
  }
  return current;
}
