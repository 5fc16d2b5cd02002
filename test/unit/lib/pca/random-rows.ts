import fc from "fast-check";

/** Float32 rows with a fixed dimension, and where to cut them. */
export interface CutRows {
  readonly dimensions: number;
  readonly rows: Float32Array;
  /** Ascending row numbers at which a new part begins; parts may be empty. */
  readonly cuts: readonly number[];
}

/** Up to 60 rows of up to 10 values of ordinary size, some of them constant or repeated, and up to 5 cuts. */
export function cutRows(): fc.Arbitrary<CutRows> {
  return fc
    .record({ dimensions: fc.integer({ min: 1, max: 10 }), count: fc.integer({ min: 2, max: 60 }) })
    .chain((size) =>
      fc.record({
        dimensions: fc.constant(size.dimensions),
        rows: fc
          .array(fc.oneof(fc.integer({ min: -3, max: 3 }), fc.float({ min: -100, max: 100, noNaN: true })), {
            minLength: size.dimensions * size.count,
            maxLength: size.dimensions * size.count,
          })
          .map((values) => Float32Array.from(values)),
        cuts: fc
          .array(fc.integer({ min: 0, max: size.count }), { maxLength: 5 })
          .map((cuts) => cuts.sort((a, b) => a - b)),
      }),
    );
}

/** The parts between the cuts; together they are all rows, in order. */
export function partsOf({ dimensions, rows, cuts }: CutRows): Float32Array[] {
  const ends = [...cuts, rows.length / dimensions];
  return ends.map((end, index) => rows.subarray((cuts[index - 1] ?? 0) * dimensions, end * dimensions));
}

/**
 * Rows whose components have clearly different variances: standard deviations 1, 1/2, 1/4, … along fixed random
 * directions, plus `offset`. Deterministic in the seed.
 */
export function rowsWithGaps(count: number, dimensions: number, rank: number, seed: number, offset = 0): Float32Array {
  const next = gaussian(seed);
  const directions = Array.from({ length: rank }, () => Float64Array.from({ length: dimensions }, next));
  const rows = new Float32Array(count * dimensions);
  for (let row = 0; row < count; row++) {
    const scores = directions.map((_, index) => next() / 2 ** index);
    for (let column = 0; column < dimensions; column++) {
      const value = scores.reduce((sum, score, index) => sum + score * directions[index]![column]!, offset);
      rows[row * dimensions + column] = value;
    }
  }
  return rows;
}

/** The same rows in an order of their own for every seed. */
export function shuffled(rows: Float32Array, dimensions: number, seed: number): Float32Array {
  const next = gaussian(seed);
  const order = Array.from({ length: rows.length / dimensions }, (_, row) => ({ row, key: next() }));
  order.sort((a, b) => a.key - b.key);
  return Float32Array.from(
    order.flatMap(({ row }) => Array.from(rows.subarray(row * dimensions, (row + 1) * dimensions))),
  );
}

/** Sums of twelve uniform numbers of a linear congruential generator: near enough to normal for test data. */
function gaussian(seed: number): () => number {
  let state = (Math.imul(seed, 2654435761) + 12345) >>> 0;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  return () => Array.from({ length: 12 }, uniform).reduce((sum, value) => sum + value, -6);
}
