import type { GramKernel } from "../../../../../services/reducer/pca/gram-kernel.ts";
import { addOuterProduct } from "../../../../../services/reducer/pca/packed-triangle.ts";

/** The definition of a Gram kernel, row by row, in n · d²/2 multiply-adds: the oracle of other kernels. */
export const outerProductKernel: GramKernel = {
  async addScatter(rows, mean, scatter) {
    const centred = new Float64Array(mean.length);
    for (let start = 0; start < rows.length; start += mean.length) {
      for (let column = 0; column < mean.length; column++) centred[column] = rows[start + column]! - mean[column]!;
      addOuterProduct(scatter, centred, 1);
    }
  },
};
