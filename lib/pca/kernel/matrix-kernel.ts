import type { PackedTriangle } from "../packed-triangle.ts";

/** The expensive steps of PCA, as a port: a native GEMM does them 4 to 25 times as fast as loops here would. */
export interface MatrixKernel {
  /**
   * Adds Σ (x − mean)(x − mean)ᵀ over the rows x to `scatter`, in float64 throughout.
   *
   * @param rows n × d, row-major; the caller bounds n.
   * @param mean the d values to centre on, subtracted before anything is multiplied.
   * @param scatter the packed upper triangle of the d × d sum; worthless when this rejects.
   */
  addScatter(rows: Float32Array, mean: Float64Array, scatter: PackedTriangle): Promise<void>;
  /**
   * Writes A · X to `product`, for a packed d × d matrix A and row-major d × width blocks X and `product`, in float64
   * throughout. The same arguments give the same bits.
   */
  multiplySymmetric(matrix: PackedTriangle, block: Float64Array, width: number, product: Float64Array): Promise<void>;
}
