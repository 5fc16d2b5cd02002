import { alignComponents } from "./alignment.ts";
import { largestEigenpairs } from "./eigen.ts";
import type { MatrixKernel } from "./kernel/matrix-kernel.ts";
import type { Moments } from "./moments.ts";
import { trace } from "./packed-triangle.ts";
import { PcaError } from "./pca-error.ts";
import type { Subspace } from "./principal-angles.ts";

/** The k principal components of a set of rows: an immutable value; a later one has a higher version. */
export interface Basis extends Subspace {
  /** From 1, each one more than that of the basis it was aligned to. */
  readonly version: number;
  /** k, at most d. */
  readonly componentCount: number;
  /** k × d, row-major, orthonormal rows. Rows beyond the rank of the data are arbitrary and have no variance. */
  readonly components: Float64Array;
  /** d values, subtracted from a row before it is projected. */
  readonly mean: Float64Array;
  /** k variances with denominator n − 1, descending up to ties (relative 1e-6). */
  readonly explainedVariance: Float64Array;
  /** The same over the total variance; zeros when there is no variance at all. */
  readonly explainedVarianceRatio: Float64Array;
  /** The sum of all d variances. */
  readonly totalVariance: number;
  /** n, the rows that the basis was computed from. */
  readonly rowCount: number;
  /** The largest ‖C v − λ v‖ of the components, relative to the largest variance. */
  readonly residual: number;
  /** False when the eigen solver met its bound of work first; the components are then as exact as `residual` says. */
  readonly converged: boolean;
}

/**
 * The k components of largest variance. With a previous basis it starts from that one, and takes over its order and
 * signs as far as they mean anything (see `alignComponents`); it may have another number of components.
 *
 * The event loop turns while this computes: the longest piece of work takes 50 ms, and all of it 5 s at most up to
 * d = 8192. Deterministic on one kind of processor: the same moments and previous basis give the same bits.
 *
 * @param moments are read until this resolves, so nobody may fold rows into them meanwhile; the caller sees to that.
 * @throws PcaError bad-input when there are fewer than 2 rows, k is not of 1 … d, or the previous basis has other
 * dimensions.
 */
export async function computeBasis(
  moments: Moments,
  k: number,
  kernel: MatrixKernel,
  previous?: Basis,
): Promise<Basis> {
  const { dimensions, count, mean, scatter } = moments;
  requireComputable(moments, k, previous);
  const eigenpairs = await largestEigenpairs(scatter, dimensions, k, kernel, previous?.components);
  const total = Math.max(0, trace(scatter, dimensions));
  return {
    version: (previous?.version ?? 0) + 1,
    dimensions,
    componentCount: k,
    components: alignComponents(eigenpairs, dimensions, previous),
    mean: mean.slice(),
    explainedVariance: eigenpairs.values.map((value) => value / (count - 1)),
    explainedVarianceRatio: eigenpairs.values.map((value) => (total > 0 ? value / total : 0)),
    totalVariance: total / (count - 1),
    rowCount: count,
    residual: eigenpairs.residual,
    converged: eigenpairs.converged,
  };
}

/**
 * The coordinates of n × d row-major rows in the basis: n × k, (x − mean) · Wᵀ, accumulated in float64 and rounded
 * once. Takes n · d · k multiply-adds.
 *
 * @throws PcaError bad-input when the values are no whole number of rows of the basis' dimensions.
 */
export function project(basis: Basis, rows: Float32Array): Float32Array {
  const { dimensions, componentCount, components, mean } = basis;
  if (rows.length % dimensions !== 0) {
    throw new PcaError("bad-input", `${rows.length} values are no whole number of rows of ${dimensions}`);
  }
  const rowCount = rows.length / dimensions;
  const projected = new Float32Array(rowCount * componentCount);
  const centred = new Float64Array(dimensions);
  for (let row = 0; row < rowCount; row++) {
    for (let column = 0; column < dimensions; column++) {
      centred[column] = rows[row * dimensions + column]! - mean[column]!;
    }
    const coordinates = projected.subarray(row * componentCount, (row + 1) * componentCount);
    let component = 0;
    for (; component + 4 <= componentCount; component += 4) fourProducts(components, centred, component, coordinates);
    for (; component < componentCount; component++) oneProduct(components, centred, component, coordinates);
  }
  return projected;
}

function oneProduct(components: Float64Array, row: Float64Array, component: number, coordinates: Float32Array): void {
  const start = component * row.length;
  let sum = 0;
  for (let column = 0; column < row.length; column++) sum += row[column]! * components[start + column]!;
  coordinates[component] = sum;
}

/** The same sums, four at a time: each addition waits for the one before, so that one alone leaves the core idle. */
function fourProducts(components: Float64Array, row: Float64Array, component: number, coordinates: Float32Array): void {
  const dimensions = row.length;
  const start = component * dimensions;
  let sum0 = 0;
  let sum1 = 0;
  let sum2 = 0;
  let sum3 = 0;
  for (let column = 0; column < dimensions; column++) {
    const value = row[column]!;
    const at = start + column;
    sum0 += value * components[at]!;
    sum1 += value * components[at + dimensions]!;
    sum2 += value * components[at + 2 * dimensions]!;
    sum3 += value * components[at + 3 * dimensions]!;
  }
  coordinates[component] = sum0;
  coordinates[component + 1] = sum1;
  coordinates[component + 2] = sum2;
  coordinates[component + 3] = sum3;
}

function requireComputable({ dimensions, count }: Moments, k: number, previous: Basis | undefined): void {
  if (count < 2) throw new PcaError("bad-input", `a basis needs at least 2 rows, got ${count}`);
  if (!Number.isInteger(k) || k < 1 || k > dimensions) {
    throw new PcaError("bad-input", `k must be an integer of 1 to ${dimensions}, the dimensions of the rows; got ${k}`);
  }
  if (previous && previous.dimensions !== dimensions) {
    throw new PcaError(
      "bad-input",
      `the previous basis has ${previous.dimensions} dimensions, the rows have ${dimensions}; start a new one`,
    );
  }
}
