import { addOuterProduct, type PackedTriangle } from "./packed-triangle.ts";

/** The one expensive step of the moments, as a port: a native GEMM does it some 25 times as fast as the loop below. */
export interface GramKernel {
  /**
   * Adds Σ (x − mean)(x − mean)ᵀ over the rows x to `scatter`, in float64 throughout.
   *
   * @param rows n × d, row-major; the caller bounds n.
   * @param mean the d values to centre on, subtracted before anything is multiplied.
   * @param scatter the packed upper triangle of the d × d sum; worthless when this rejects.
   */
  addScatter(rows: Float32Array, mean: Float64Array, scatter: PackedTriangle): Promise<void>;
}

/** The definition, row by row, in n · d²/2 multiply-adds: the oracle of other kernels. */
export const outerProductKernel: GramKernel = {
  async addScatter(rows, mean, scatter) {
    const centred = new Float64Array(mean.length);
    for (let start = 0; start < rows.length; start += mean.length) {
      for (let column = 0; column < mean.length; column++) centred[column] = rows[start + column]! - mean[column]!;
      addOuterProduct(scatter, centred, 1);
    }
  },
};
