import { Random } from "#lib/runtime/random.ts";
import type { WorkSlices } from "./work-slices.ts";

/** A column that keeps at least this share of its length in a pass is orthogonal to working precision. */
const KEPT_SHARE_MIN = 0.5;
/** Two passes are enough for a column that holds a direction of its own (Giraud, Langou & Rozložník 2005). */
const PASSES_MAX = 4;

/**
 * Makes the columns of a row-major d × width block orthonormal, in place: modified Gram–Schmidt, repeated per column
 * until it is stable. Column j spans with its predecessors what it spanned before, so the order matters: put the most
 * certain directions first. A column without a direction of its own (zero, or dependent on earlier ones) becomes an
 * arbitrary one, the same in every run. Needs width ≤ d; takes 4 · d · width² flops as a rule.
 */
export async function orthonormalise(block: Float64Array, width: number, slices: WorkSlices): Promise<void> {
  const numbers = createNumberSource();
  for (let column = 0; column < width; column++) {
    while (!(await orthonormaliseColumn(block, width, column, slices))) fillColumn(block, width, column, numbers);
  }
}

/** False when the column is, to rounding, a combination of the columns before it. */
async function orthonormaliseColumn(
  block: Float64Array,
  width: number,
  column: number,
  slices: WorkSlices,
): Promise<boolean> {
  let length = normaliseColumn(block, width, column);
  for (let pass = 0; pass < PASSES_MAX && length > 0; pass++) {
    for (let earlier = 0; earlier < column; earlier++) {
      const share = columnProduct(block, width, earlier, column);
      for (let at = 0; at < block.length; at += width) {
        block[at + column] = block[at + column]! - share * block[at + earlier]!;
      }
    }
    length = normaliseColumn(block, width, column);
    await slices.did((2 * column + 2) * (block.length / width));
    if (length >= KEPT_SHARE_MIN) return true;
  }
  return false;
}

/** Scales the column to unit length and returns the length that it had. */
function normaliseColumn(block: Float64Array, width: number, column: number): number {
  const length = Math.sqrt(columnProduct(block, width, column, column));
  if (length === 0) return 0;
  for (let at = column; at < block.length; at += width) block[at] = block[at]! / length;
  return length;
}

function columnProduct(block: Float64Array, width: number, left: number, right: number): number {
  let sum = 0;
  for (let at = 0; at < block.length; at += width) sum += block[at + left]! * block[at + right]!;
  return sum;
}

function fillColumn(block: Float64Array, width: number, column: number, numbers: NumberSource): void {
  for (let at = column; at < block.length; at += width) block[at] = numbers();
}

/** Yields pseudo-random numbers of [−1, 1), the same sequence from every source. */
export type NumberSource = () => number;

const SEED = 0x5eed;

/** Ample for start directions of an iteration, and the same on every machine. */
export function createNumberSource(): NumberSource {
  const random = new Random(SEED);
  return () => random.within(-1, 1);
}
