/**
 * Vectors that compress and spread like those of an image network: many small values and zeros, as after a rectifier,
 * most of the variance in a few directions, and noise. Seeded, so that every run writes the same bytes.
 *
 * @returns count × dimensions, row-major.
 */
export function syntheticVectors(count: number, dimensions: number): Float32Array {
  const random = xorshift32(SEED);
  const directions = Float32Array.from({ length: RANK * dimensions }, () => random() - 0.5);
  const values = new Float32Array(count * dimensions);
  const weights = new Float32Array(RANK);
  for (let row = 0; row < count; row++) {
    for (let factor = 0; factor < RANK; factor++) weights[factor] = (random() - 0.5) / (1 + factor / 4);
    for (let column = 0; column < dimensions; column++) {
      let value = 0.5 * (random() - 0.5);
      for (let factor = 0; factor < RANK; factor++)
        value += weights[factor]! * directions[factor * dimensions + column]!;
      values[row * dimensions + column] = Math.max(0, value);
    }
  }
  return values;
}

const RANK = 16;
const SEED = 20_260_101;

/** Numbers in [0, 1) (Marsaglia 2003, shifts 13, 17, 5). */
function xorshift32(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
