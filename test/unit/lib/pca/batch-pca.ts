import { EigenvalueDecomposition, Matrix } from "ml-matrix";

/** What a batch PCA of all rows at once knows; the oracle that streaming is compared with. */
export interface BatchPca {
  readonly dimensions: number;
  readonly mean: Float64Array;
  /** d × d, denominator n − 1. */
  readonly covariance: Matrix;
  /** k × d, row-major. */
  readonly components: Float64Array;
  readonly explainedVariance: Float64Array;
  readonly totalVariance: number;
}

/** By the textbook: mean, then covariance of the centred rows, then all its eigenpairs. For small d only. */
export function batchPca(rows: Float32Array, dimensions: number, k: number): BatchPca {
  const { centred, mean } = centre(rows, dimensions);
  const covariance = centred
    .transpose()
    .mmul(centred)
    .div(centred.rows - 1);
  const { values, vectors } = descendingEigenpairs(covariance, k);
  const components = Float64Array.from(vectors.transpose().to1DArray());
  return { dimensions, mean, covariance, components, explainedVariance: values, totalVariance: covariance.trace() };
}

/**
 * The same for n < d, by the n × n inner products of the centred rows: X Xᵀ u = λ u gives the component Xᵀ u / √λ.
 * Shares neither the d × d covariance nor its eigenproblem with what it is compared to.
 */
export function dualBatchPca(rows: Float32Array, dimensions: number, k: number): Omit<BatchPca, "covariance"> {
  const { centred, mean } = centre(rows, dimensions);
  const products = centred.mmul(centred.transpose());
  const { values, vectors } = descendingEigenpairs(products, k);
  const components = vectors.transpose().mmul(centred);
  for (const [row, value] of values.entries()) components.mulRow(row, 1 / Math.sqrt(value));
  return {
    dimensions,
    mean,
    components: Float64Array.from(components.to1DArray()),
    explainedVariance: values.map((value) => value / (centred.rows - 1)),
    totalVariance: products.trace() / (centred.rows - 1),
  };
}

function centre(rows: Float32Array, dimensions: number): { centred: Matrix; mean: Float64Array } {
  const matrix = Matrix.from1DArray(rows.length / dimensions, dimensions, rows);
  const mean = matrix.mean("column");
  return { centred: matrix.subRowVector(mean), mean: Float64Array.from(mean) };
}

function descendingEigenpairs(symmetric: Matrix, k: number): { values: Float64Array; vectors: Matrix } {
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(symmetric, { assumeSymmetric: true });
  const order = Array.from({ length: k }, (_, index) => symmetric.rows - 1 - index);
  return {
    values: Float64Array.from(order, (index) => realEigenvalues[index]!),
    vectors: eigenvectorMatrix.subMatrixColumn(order),
  };
}
