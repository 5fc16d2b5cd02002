import { Matrix, QrDecomposition, SingularValueDecomposition } from "ml-matrix";
import { PcaError } from "./pca-error.ts";

/** The span of orthonormal rows. */
export interface Subspace {
  readonly dimensions: number;
  /** k × d, row-major, orthonormal rows. */
  readonly components: Float64Array;
}

/**
 * The principal angles between two subspaces, in radians, ascending; as many as the smaller one has dimensions.
 * All zero when one contains the other, π/2 for each direction of the smaller that the larger knows nothing of.
 *
 * Accurate to about 1e-15 at any size: a cosine can't tell angles below 1e-8 from zero, so those under 45° come from
 * their sines, the singular values of what is left of the smaller basis outside the larger (Björck & Golub 1973).
 *
 * @throws PcaError bad-input when the subspaces lie in spaces of different dimensions.
 */
export function principalAngles(a: Subspace, b: Subspace): Float64Array {
  if (a.dimensions !== b.dimensions) {
    throw new PcaError("bad-input", `subspaces of ${a.dimensions} and of ${b.dimensions} dimensions have no angles`);
  }
  const [smaller, larger] = a.components.length <= b.components.length ? [a, b] : [b, a];
  const smallerRows = rowsOf(smaller);
  const largerRows = rowsOf(larger);
  const cosineMatrix = smallerRows.mmul(largerRows.transpose());
  const outside = smallerRows.clone().sub(cosineMatrix.mmul(largerRows));
  const cosines = singularValues(cosineMatrix.transpose());
  const sines = singularValues(outside.transpose()).reverse();
  return Float64Array.from(cosines, (cosine, index) =>
    cosine * cosine > 0.5 ? Math.asin(Math.min(1, sines[index]!)) : Math.acos(Math.min(1, cosine)),
  );
}

function rowsOf({ dimensions, components }: Subspace): Matrix {
  return Matrix.from1DArray(components.length / dimensions, dimensions, components);
}

/** The singular values of a matrix with at least as many rows as columns, descending. */
function singularValues(tall: Matrix): number[] {
  const { upperTriangularMatrix } = new QrDecomposition(tall);
  return new SingularValueDecomposition(upperTriangularMatrix, {
    computeLeftSingularVectors: false,
    computeRightSingularVectors: false,
  }).diagonal;
}
