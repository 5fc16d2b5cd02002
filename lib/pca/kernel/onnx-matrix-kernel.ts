import pLimit from "p-limit";
import { openGemm } from "./gemm.ts";
import { Scatter } from "./scatter.ts";
import { SymmetricProduct } from "./symmetric-product.ts";

/**
 * What PCA spends its time on, as float64 GEMMs in ONNX Runtime. Calls take their turns, since they share memory, which
 * is kept for the next ones: 8 bytes per value of the most rows added at once, and some 256 rows of the matrix.
 */
export interface OnnxMatrixKernel {
  /**
   * Adds Σ (x − mean)(x − mean)ᵀ over the rows x to `scatter`. The event loop turns after every 256 × 256 of the result.
   *
   * @param rows n × d, row-major.
   * @param mean d values.
   * @param scatter the packed upper triangle, row by row, of the d × d sum.
   */
  addScatter(rows: Float32Array, mean: Float64Array, scatter: Float64Array): Promise<void>;
  /**
   * Writes A · X to `product`. The event loop turns at least after every 256 rows of A.
   *
   * @param matrix the packed upper triangle, row by row, of a symmetric d × d matrix A.
   * @param block X: d × width, row-major.
   * @param product d × width.
   */
  multiplySymmetric(matrix: Float64Array, block: Float64Array, width: number, product: Float64Array): Promise<void>;
  /** Frees the native memory. The kernel is not used after this. */
  release(): Promise<void>;
}

/** Opens a kernel for matrices of any dimension. */
export async function openMatrixKernel(threads: number): Promise<OnnxMatrixKernel> {
  const gemm = await openGemm(threads);
  const scatters = new Scatter(gemm);
  const symmetricProduct = new SymmetricProduct(gemm);
  const inTurn = pLimit(1);
  return {
    addScatter: (rows, mean, scatter) => inTurn(() => scatters.add(rows, mean, scatter)),
    multiplySymmetric: (matrix, block, width, product) =>
      inTurn(() => symmetricProduct.multiply(matrix, block, width, product)),
    release: () => gemm.release(),
  };
}
