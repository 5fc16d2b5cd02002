import type { Eigenpairs } from "./eigen.ts";
import type { Subspace } from "./principal-angles.ts";

/** Neighbouring variances that differ by less, relative to the larger, are a tie: nothing but chance orders them. */
const TIE_SHARE_MAX = 1e-6;
/** Below this |cosine| an earlier component says nothing about the sign of a new one. */
const KIN_COSINE_MIN = 0.5;
/** Loadings this close to the largest one count as equal to it, so that rounding doesn't choose between them. */
const EQUAL_LOADING_SHARE = 1 - 1e-8;

/**
 * Orders and signs the rows of eigenvectors, whose sign, and order among equal values, mean nothing, so that a column
 * of projections keeps its meaning from one version of a basis to the next.
 *
 * Order: by value, descending; within ties each place goes to the component most like the one that held it before.
 * Sign: that of a positive cosine with the most similar earlier component; where there is none, the largest loading
 * (the first of equal ones) is positive, as in scikit-learn's `svd_flip`.
 *
 * @returns k × d, row-major: the same rows, permuted and signed.
 */
export function alignComponents(
  { values, vectors }: Eigenpairs,
  dimensions: number,
  previous?: Subspace,
): Float64Array {
  const rows = rowsOf(vectors, dimensions);
  const earlier = previous ? rowsOf(previous.components, dimensions) : [];
  const aligned = new Float64Array(vectors.length);
  for (const [place, row] of orderRows(values, rows, earlier).entries()) {
    const sign = signOf(row, earlier);
    for (let column = 0; column < dimensions; column++) aligned[place * dimensions + column] = sign * row[column]!;
  }
  return aligned;
}

function orderRows(values: Float64Array, rows: Float64Array[], earlier: Float64Array[]): Float64Array[] {
  const ordered: Float64Array[] = [];
  while (ordered.length < rows.length) {
    const start = ordered.length;
    let end = start + 1;
    while (end < rows.length && values[end - 1]! - values[end]! <= TIE_SHARE_MAX * values[end - 1]!) end++;
    ordered.push(...orderTie(rows.slice(start, end), earlier.slice(start, end)));
  }
  return ordered;
}

/** Gives the places of a tie away, the most similar pair first; places that nobody held go to the rest in order. */
function orderTie(rows: Float64Array[], earlier: Float64Array[]): Float64Array[] {
  if (rows.length === 1) return rows;
  const pairs = rows.flatMap((row) =>
    earlier.map((held, place) => ({ row, place, similarity: Math.abs(innerProduct(row, held)) })),
  );
  const holders = new Map<number, Float64Array>();
  const free = new Set(rows);
  for (const { row, place } of pairs.sort((a, b) => b.similarity - a.similarity)) {
    if (!free.has(row) || holders.has(place)) continue;
    holders.set(place, row);
    free.delete(row);
  }
  const rest = free.values();
  return rows.map((_, place) => holders.get(place) ?? rest.next().value!);
}

function signOf(row: Float64Array, earlier: Float64Array[]): 1 | -1 {
  let cosine = 0;
  for (const candidate of earlier) {
    const product = innerProduct(row, candidate);
    if (Math.abs(product) > Math.abs(cosine)) cosine = product;
  }
  const deciding = Math.abs(cosine) >= KIN_COSINE_MIN ? cosine : largestLoading(row);
  return deciding < 0 ? -1 : 1;
}

function largestLoading(row: Float64Array): number {
  const magnitude = row.reduce((largest, loading) => Math.max(largest, Math.abs(loading)), 0);
  return row.find((loading) => Math.abs(loading) >= magnitude * EQUAL_LOADING_SHARE)!;
}

function innerProduct(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let index = 0; index < a.length; index++) sum += a[index]! * b[index]!;
  return sum;
}

function rowsOf(vectors: Float64Array, dimensions: number): Float64Array[] {
  return Array.from({ length: vectors.length / dimensions }, (_, row) =>
    vectors.subarray(row * dimensions, (row + 1) * dimensions),
  );
}
