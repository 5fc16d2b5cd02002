/**
 * Where column 0 of a row lies, or would lie if the row began there, in a packed upper triangle, row by row, of a
 * d × d matrix: element (row, column) with row ≤ column is `column` places after it.
 */
export function rowOrigin(row: number, dimensions: number): number {
  return row * dimensions - (row * (row + 1)) / 2;
}
