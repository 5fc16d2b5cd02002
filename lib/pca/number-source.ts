/** Yields pseudo-random numbers of [−1, 1), the same sequence from every source. */
export type NumberSource = () => number;

const SEED = 0x5eed;

/** Mulberry32: 32 bits of state, ample for start directions of an iteration, and the same on every machine. */
export function createNumberSource(): NumberSource {
  let state = SEED;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 31 - 1;
  };
}
