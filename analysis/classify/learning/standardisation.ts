/** How rows are brought to a common scale: x ↦ (x − mean) ∘ factors. Made from training rows alone. */
export interface Standardisation {
  /** d values. */
  readonly mean: Float64Array;
  /** d values: 1 / (σⱼ √m), with m the number of features that vary; 0 for one that doesn't, which so is left out. */
  readonly factors: Float64Array;
}

/**
 * Centres each feature and gives it the same variance, 1/m, so that rows have a mean squared norm of 1. Networks' features
 * differ in size by orders of magnitude, and a linear SVM punishes the weights of small ones. The norm makes one C fit
 * vectors of any length.
 *
 * Two passes in float64. σ has the denominator n.
 *
 * @param rows at least one.
 */
export function fitStandardisation(rows: readonly Float32Array[]): Standardisation {
  const dimensions = rows[0]!.length;
  const mean = new Float64Array(dimensions);
  for (const row of rows) for (let column = 0; column < dimensions; column++) mean[column]! += row[column]!;
  for (let column = 0; column < dimensions; column++) mean[column]! /= rows.length;

  const variances = new Float64Array(dimensions);
  for (const row of rows) {
    for (let column = 0; column < dimensions; column++) variances[column]! += (row[column]! - mean[column]!) ** 2;
  }
  for (let column = 0; column < dimensions; column++) variances[column]! /= rows.length;

  const varies = variances.map((variance, column) => Number(variance > constantVariance(mean[column]!)));
  const varying = varies.reduce((count, one) => count + one, 0);
  const factors = variances.map((variance, column) => (varies[column] ? 1 / Math.sqrt(variance * varying) : 0));
  return { mean, factors };
}

/** The rows on the common scale, in float32: as many bytes again as the rows have. */
export function standardise({ mean, factors }: Standardisation, rows: readonly Float32Array[]): Float32Array[] {
  return rows.map((row) => row.map((value, column) => (value - mean[column]!) * factors[column]!));
}

/** Below this a feature's variance is the rounding of its float32 values. */
function constantVariance(mean: number): number {
  return (mean * FLOAT32_EPSILON) ** 2;
}

const FLOAT32_EPSILON = 2 ** -23;
