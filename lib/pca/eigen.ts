import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import type { MatrixKernel } from "./kernel/matrix-kernel.ts";
import { createNumberSource } from "./orthonormal-block.ts";
import { type PackedTriangle, packedIndex } from "./packed-triangle.ts";
import { iterateSubspace } from "./subspace-iteration.ts";

/** The largest eigenvalues of a symmetric positive semi-definite matrix and their vectors. */
export interface Eigenpairs {
  /** k values, descending; exactly 0 for what rounding can't tell from 0. */
  readonly values: Float64Array;
  /** k × d, row-major, orthonormal rows. Those of zero values are arbitrary, but the same for the same input. */
  readonly vectors: Float64Array;
  /** The largest ‖A v − λ v‖, relative to the largest value. */
  readonly residual: number;
  /** False when the iteration met its bound before the residual met its own. */
  readonly converged: boolean;
  /** Products of the matrix with a block that were made; 0 where the matrix was decomposed directly. */
  readonly products: number;
}

/**
 * Directions beside the wanted ones. The next eigenvalue outside the block sets the pace of convergence, so that more
 * of them save rounds and cost flops.
 */
const OVERSAMPLING = 8;
/** Up to this size, decomposing the matrix itself is faster than iterating, and exact in every degenerate case. */
const DENSE_DIMENSIONS_MAX = 64;
/**
 * For more pairs than that, most of an iteration goes into orthonormalising and rotating, so that up to this size decomposing
 * takes less time. It is one piece of work, though, of some 10 s at d = 1280: for commands, not beside heartbeats, and so
 * reducers ask for no more.
 */
const ITERATED_PAIRS_MAX = 60;
const MANY_PAIRS_DIMENSIONS_MAX = 2048;
/**
 * Of the wanted pairs, relative to the largest value. The error of a vector is at most the residual over the distance
 * to the next value: 1e-8 where that is a thousandth of the largest value, a cosine of 1 to the last bit.
 */
const RESIDUAL_MAX = 1e-11;
const PRODUCTS_MAX = 600;
/** Of all products together: 4 s on one core. 600 products for d = 1280, k = 8, and 149 for d = 4096. */
const MULTIPLY_ADDS_MAX = 4e10;
/** With fewer, a start would not come nearer, and so not the next basis either, which starts from this one. */
const PRODUCTS_MIN = 4;

/**
 * The k largest eigenpairs of a packed d × d matrix, 1 ≤ k ≤ d. Takes 2 · d² · (k + 8) flops per product, and
 * 4 · d · (k + 8) values of memory. The work is bounded at any d, and the event loop turns while it is done.
 *
 * @param matrix must not change before this resolves.
 * @param start rows to begin with, m × d for any m: those of an earlier, similar matrix save rounds. They change the
 * result within the residual only.
 */
export async function largestEigenpairs(
  matrix: PackedTriangle,
  dimensions: number,
  k: number,
  kernel: MatrixKernel,
  start?: Float64Array,
): Promise<Eigenpairs> {
  const width = k + OVERSAMPLING;
  const denseMax = k > ITERATED_PAIRS_MAX ? MANY_PAIRS_DIMENSIONS_MAX : DENSE_DIMENSIONS_MAX;
  if (dimensions <= Math.max(denseMax, width)) return denseEigenpairs(matrix, dimensions, k);
  const options = { width, wanted: k, residualMax: RESIDUAL_MAX, productsMax: productsMax(dimensions, width) };
  const block = startBlock(dimensions, width, start);
  const { values, vectors, ...outcome } = await iterateSubspace(matrix, block, options, kernel);
  return { values: withoutNoise(values.slice(0, k), dimensions), vectors: leadingRows(vectors, width, k), ...outcome };
}

function productsMax(dimensions: number, width: number): number {
  const affordable = Math.floor(MULTIPLY_ADDS_MAX / (dimensions * dimensions * width));
  return Math.min(PRODUCTS_MAX, Math.max(PRODUCTS_MIN, affordable));
}

function denseEigenpairs(matrix: PackedTriangle, dimensions: number, k: number): Eigenpairs {
  const square = new Matrix(dimensions, dimensions);
  for (let row = 0; row < dimensions; row++) {
    for (let column = 0; column < dimensions; column++) {
      square.set(row, column, matrix[packedIndex(row, column, dimensions)]!);
    }
  }
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(square, { assumeSymmetric: true });
  const ascending = Float64Array.from(realEigenvalues);
  const vectors = Float64Array.from({ length: k * dimensions }, (_, index) =>
    eigenvectorMatrix.get(index % dimensions, dimensions - 1 - Math.floor(index / dimensions)),
  );
  const values = withoutNoise(ascending.reverse().slice(0, k), dimensions);
  return { values, vectors, residual: 0, converged: true, products: 0 };
}

/** The given rows as leading columns, the rest from a fixed sequence. */
function startBlock(dimensions: number, width: number, start: Float64Array = new Float64Array()): Float64Array {
  const numbers = createNumberSource();
  const given = Math.min(width, start.length / dimensions);
  const block = Float64Array.from({ length: dimensions * width }, numbers);
  for (let column = 0; column < given; column++) {
    for (let row = 0; row < dimensions; row++) block[row * width + column] = start[column * dimensions + row]!;
  }
  return block;
}

/** The leading columns of a row-major block, as rows. */
function leadingRows(block: Float64Array, width: number, count: number): Float64Array {
  const dimensions = block.length / width;
  return Float64Array.from(
    { length: count * dimensions },
    (_, index) => block[(index % dimensions) * width + Math.floor(index / dimensions)]!,
  );
}

/** Zeroes what is below the rounding of the matrix's own elements, d · 2⁻⁵² of the largest value. */
function withoutNoise(values: Float64Array, dimensions: number): Float64Array {
  const noise = values[0]! * dimensions * Number.EPSILON;
  return values.map((value) => (value <= noise ? 0 : value));
}
