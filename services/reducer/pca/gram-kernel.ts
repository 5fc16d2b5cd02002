import type { PackedTriangle } from "./packed-triangle.ts";

/** The one expensive step of the moments, as a port: a native GEMM does it some 25 times as fast as a loop here. */
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
