import type { MatrixKernel } from "./kernel/matrix-kernel.ts";
import { addOuterProduct, type PackedTriangle, packedLength } from "./packed-triangle.ts";
import { PcaError } from "./pca-error.ts";

/**
 * The first two moments of a set of d-dimensional rows, in float64: all that PCA needs to know of them. Sets are
 * merged pairwise (Chan, Golub & LeVeque 1983; Pébay 2008), so any split, order and tree of merges of the same rows
 * gives the same moments up to rounding.
 *
 * Only `foldMoments` changes moments.
 */
export interface Moments {
  readonly dimensions: number;
  /** The number of rows. */
  count: number;
  /** d values; zeros when there are no rows. */
  readonly mean: Float64Array;
  /** Σ (x − mean)(x − mean)ᵀ, the packed upper triangle. */
  readonly scatter: PackedTriangle;
}

/** Bounds of the rows that a kernel is given at once: enough for a GEMM's full speed, at most 16 MB in float64. */
const TILE_ROWS_MAX = 1024;
const TILE_VALUES_MAX = 2 ** 21;

/** The moments of no rows: the neutral element of merging. */
export function emptyMoments(dimensions: number): Moments {
  if (!Number.isInteger(dimensions) || dimensions < 1) {
    throw new PcaError("bad-input", `dimensions must be a positive integer, got ${dimensions}`);
  }
  return {
    dimensions,
    count: 0,
    mean: new Float64Array(dimensions),
    scatter: new Float64Array(packedLength(dimensions)),
  };
}

/**
 * The moments of n × d row-major values, two passes over one tile after the other. Beside the result it takes one
 * tile in float64 and whatever the kernel needs per tile.
 *
 * @throws PcaError bad-input when the values are no whole number of rows, or one is not finite.
 */
export async function momentsOfRows(values: Float32Array, dimensions: number, kernel: MatrixKernel): Promise<Moments> {
  const moments = emptyMoments(dimensions);
  if (values.length % dimensions !== 0) {
    throw new PcaError("bad-input", `${values.length} values are no whole number of rows of ${dimensions}`);
  }
  const tileRows = Math.min(TILE_ROWS_MAX, Math.max(1, Math.floor(TILE_VALUES_MAX / dimensions)));
  for (let start = 0; start < values.length; start += tileRows * dimensions) {
    const tile = values.subarray(start, start + tileRows * dimensions);
    const mean = meanOfRows(tile, dimensions);
    const tileCount = tile.length / dimensions;
    if (tileCount > 1) await kernel.addScatter(tile, mean, moments.scatter);
    foldMean(moments, tileCount, mean);
  }
  return moments;
}

/** Adds the rows of `addition` to `target`, in place and without allocating another triangle. */
export function foldMoments(target: Moments, addition: Moments): void {
  requireSameDimensions(target, addition);
  const { scatter } = target;
  for (let index = 0; index < scatter.length; index++) scatter[index] = scatter[index]! + addition.scatter[index]!;
  foldMean(target, addition.count, addition.mean);
}

/** Completes a pairwise merge whose scatters are already summed: the means' distance, the new mean and the count. */
function foldMean(target: Moments, count: number, mean: Float64Array): void {
  if (count === 0) return;
  if (target.count === 0) {
    target.mean.set(mean);
    target.count = count;
    return;
  }
  const merged = target.count + count;
  const shift = new Float64Array(mean.length);
  for (let column = 0; column < mean.length; column++) {
    shift[column] = mean[column]! - target.mean[column]!;
    target.mean[column] = target.mean[column]! + (shift[column]! * count) / merged;
  }
  addOuterProduct(target.scatter, shift, (target.count * count) / merged);
  target.count = merged;
}

function meanOfRows(rows: Float32Array, dimensions: number): Float64Array {
  const mean = new Float64Array(dimensions);
  for (let start = 0; start < rows.length; start += dimensions) {
    for (let column = 0; column < dimensions; column++) mean[column] = mean[column]! + rows[start + column]!;
  }
  const count = rows.length / dimensions;
  for (let column = 0; column < dimensions; column++) mean[column] = mean[column]! / count;
  requireFinite(mean);
  return mean;
}

/** A value that is not finite makes its column's mean not finite, so looking at the means finds it for free. */
function requireFinite(mean: Float64Array): void {
  const column = mean.findIndex((value) => !Number.isFinite(value));
  if (column >= 0) {
    throw new PcaError("bad-input", `dimension ${column} holds a value that is not finite; leave that row out`);
  }
}

function requireSameDimensions(a: Moments, b: Moments): void {
  if (a.dimensions !== b.dimensions) {
    throw new PcaError("bad-input", `moments of ${a.dimensions} and of ${b.dimensions} dimensions can't be combined`);
  }
}
