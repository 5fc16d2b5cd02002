import type { MatrixKernel } from "#lib/pca/kernel/matrix-kernel.ts";
import { addOuterProduct } from "#lib/pca/packed-triangle.ts";

/** The definition of a matrix kernel, in loops over the packed triangle: the oracle of other kernels. */
export const loopKernel: MatrixKernel = {
  async addScatter(rows, mean, scatter) {
    const centred = new Float64Array(mean.length);
    for (let start = 0; start < rows.length; start += mean.length) {
      for (let column = 0; column < mean.length; column++) centred[column] = rows[start + column]! - mean[column]!;
      addOuterProduct(scatter, centred, 1);
    }
  },

  async multiplySymmetric(matrix, block, width, product) {
    product.fill(0);
    let index = 0;
    for (let row = 0; row < block.length; row += width) {
      for (let column = row; column < block.length; column += width) {
        const element = matrix[index++]!;
        addScaledRow(product, row, element, block, column, width);
        if (column > row) addScaledRow(product, column, element, block, row, width);
      }
    }
  },
};

function addScaledRow(
  sum: Float64Array,
  to: number,
  scale: number,
  block: Float64Array,
  from: number,
  width: number,
): void {
  for (let at = 0; at < width; at++) sum[to + at] = sum[to + at]! + scale * block[from + at]!;
}
