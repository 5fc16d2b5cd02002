/**
 * A symmetric d × d matrix as its upper triangle in float64, row by row: row i holds the columns i … d − 1. That is
 * d(d + 1)/2 values, 6.6 MB for d = 1280, half of the square.
 */
export type PackedTriangle = Float64Array;

/** The number of values of a packed d × d matrix. */
export function packedLength(dimensions: number): number {
  return (dimensions * (dimensions + 1)) / 2;
}

/**
 * Where column 0 of a row lies, or would lie if the row began there: element (row, column) with row ≤ column is `column`
 * places after it.
 */
export function rowOrigin(row: number, dimensions: number): number {
  return row * dimensions - (row * (row + 1)) / 2;
}

/** The place of element (row, column) in a packed d × d matrix, in either order. */
export function packedIndex(row: number, column: number, dimensions: number): number {
  return rowOrigin(Math.min(row, column), dimensions) + Math.max(row, column);
}

/** Adds scale · v vᵀ, in d²/2 multiply-adds. */
export function addOuterProduct(triangle: PackedTriangle, vector: Float64Array, scale: number): void {
  let index = 0;
  for (let row = 0; row < vector.length; row++) {
    const scaled = scale * vector[row]!;
    for (let column = row; column < vector.length; column++) {
      triangle[index] = triangle[index]! + scaled * vector[column]!;
      index++;
    }
  }
}

/** The sum of the diagonal. */
export function trace(triangle: PackedTriangle, dimensions: number): number {
  let sum = 0;
  let index = 0;
  for (let row = 0; row < dimensions; row++) {
    sum += triangle[index]!;
    index += dimensions - row;
  }
  return sum;
}
