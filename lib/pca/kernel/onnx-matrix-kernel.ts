import pLimit from "p-limit";
import { openGemm } from "./gemm.ts";
import type { MatrixKernel } from "./matrix-kernel.ts";
import { Scatter } from "./scatter.ts";
import { SymmetricProduct } from "./symmetric-product.ts";

/**
 * The kernel as float64 GEMMs in ONNX Runtime. Calls take their turns, since they share memory, which is kept for the next
 * ones: 8 bytes per value of the most rows added at once, and some 256 rows of the matrix. The event loop turns after
 * every 256 × 256 of a scatter, and at least after every 256 rows of a matrix that is multiplied.
 */
export interface OnnxMatrixKernel extends MatrixKernel {
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
