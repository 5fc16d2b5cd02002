import { principalAngles, type Subspace } from "./principal-angles.ts";

/** What is known of the rows when the question arises whether their basis is still good enough. */
export interface BasisState {
  /** The rows folded by now. */
  readonly rowCount: number;
  /** The rows of the published basis; 0 when there is none. */
  readonly basisRowCount: number;
  /** The rows of the last basis that was computed, published or not; `basisRowCount` when that was forgotten. */
  readonly consideredRowCount: number;
}

/**
 * - `publish`: compute a basis and publish it, whatever it looks like;
 * - `consider`: compute a candidate and publish it if `turnedTooFar`;
 * - `keep`: do nothing.
 */
export type BasisDue = "publish" | "consider" | "keep";

/** A basis needs a variance, and a variance needs two rows. */
const ROW_COUNT_MIN = 2;

/**
 * Whether a new basis is due: when the rows have doubled since the published one (or halved, where rows were deleted), or
 * may be due when they have grown or shrunk by a quarter since one was last considered. So the number of eigenproblems
 * solved grows with the logarithm of the rows.
 */
export function basisDue({ rowCount, basisRowCount, consideredRowCount }: BasisState): BasisDue {
  if (rowCount < ROW_COUNT_MIN) return "keep";
  if (rowCount >= 2 * basisRowCount || 2 * rowCount <= basisRowCount) return "publish";
  return 4 * Math.abs(rowCount - consideredRowCount) >= consideredRowCount ? "consider" : "keep";
}

/** Whether the largest principal angle from the published basis to the candidate is above the bound. */
export function turnedTooFar(published: Subspace, candidate: Subspace, angleDegreesMax: number): boolean {
  const largestRadians = principalAngles(published, candidate).at(-1)!;
  return (largestRadians * 180) / Math.PI > angleDegreesMax;
}
