import { Random } from "#lib/runtime/random.ts";

/** Yields pseudo-random numbers of [−1, 1), the same sequence from every source. */
export type NumberSource = () => number;

const SEED = 0x5eed;

/** Ample for start directions of an iteration, and the same on every machine. */
export function createNumberSource(): NumberSource {
  const random = new Random(SEED);
  return () => random.within(-1, 1);
}
