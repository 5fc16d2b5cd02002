import { Random } from "#lib/runtime/random.ts";
import { shuffle } from "./shuffle.ts";

/** A hyperplane w · x + b = 0 of d dimensions; rows on its positive side are taken for members of the class. */
export interface LinearSvm {
  /** w, d values. */
  readonly weights: Float64Array;
  /** b. */
  readonly bias: number;
  /** How often the solver went over the rows it still had in hand. */
  readonly passes: number;
  /** False when `passesMax` was met first; the hyperplane is then near the optimum, and not at it. */
  readonly converged: boolean;
}

export interface SvmOptions {
  /** C, the price of a margin that is missed by 1; COST by default. */
  readonly cost?: number;
  readonly passesMax: number;
  /** Of the order in which rows are visited. */
  readonly seed: number;
}

/** For rows of squared norm about 1. LIBLINEAR's default. */
export const COST = 1;

/** Largest spread of the projected gradient at the optimum: a tenth of LIBLINEAR's default for this loss. */
const GRADIENT_SPREAD_MAX = 0.01;

/**
 * A linear support vector machine with hinge loss and L2 regularisation:
 *
 *     min  ½ ‖w‖² + ½ b² + Σᵢ Cᵢ max(0, 1 − yᵢ (w · xᵢ + b)),   yᵢ = ±1,   Cᵢ = C n / (2 nᵧ)
 *
 * where nᵧ is the number of rows on i's side: both sides weigh the same, so that one class against a hundred others is
 * not answered by "never". For sides of equal size Cᵢ = C.
 *
 * Method: dual coordinate descent with shrinking (Hsieh, Chang, Lin, Keerthi & Sundararajan, "A Dual Coordinate Descent
 * Method for Large-scale Linear SVM", ICML 2008, algorithm 3; as in LIBLINEAR). One coordinate αᵢ of the dual is optimised
 * at a time, exactly, by means of w = Σ αᵢ yᵢ xᵢ, which is kept up to date. Rows whose αᵢ stays at a bound are set aside
 * and looked at again before the end. The bias is the weight of a constant feature 1, so it is regularised; for centred
 * rows that costs next to nothing.
 *
 * A pass takes at most 2 n d multiply-adds; memory is d + 3 n numbers beside the rows. Deterministic for a seed. Left out
 * on purpose: sparse rows, and more than one thread.
 *
 * @param rows n rows of d values, best with squared norms about 1 (see `standardisation.ts`).
 * @param isPositive for each row; both sides must have at least one.
 */
export function trainLinearSvm(
  rows: readonly Float32Array[],
  isPositive: readonly boolean[],
  { cost = COST, passesMax, seed }: SvmOptions,
): LinearSvm {
  const dual = new Dual(rows, isPositive, cost);
  const random = new Random(seed);
  let bounds = NOTHING_SHRUNK;
  for (let passes = 1; passes <= passesMax; passes++) {
    shuffle(dual.order, random, dual.activeCount);
    const wholeSet = dual.activeCount === rows.length;
    const { min, max } = dual.pass(bounds);
    if (max - min > GRADIENT_SPREAD_MAX) bounds = { min: min < 0 ? min : -Infinity, max: max > 0 ? max : Infinity };
    else if (wholeSet && dual.activeCount === rows.length) return dual.hyperplane(passes, true);
    else {
      dual.activeCount = rows.length;
      bounds = NOTHING_SHRUNK;
    }
  }
  return dual.hyperplane(passesMax, false);
}

/** w · x + b. */
export function decisionValue({ weights, bias }: Pick<LinearSvm, "weights" | "bias">, row: Float32Array): number {
  return dot(weights, row) + bias;
}

/** The range of the projected gradient. */
interface GradientRange {
  readonly min: number;
  readonly max: number;
}

const NOTHING_SHRUNK: GradientRange = { min: -Infinity, max: Infinity };

/** A gradient this small moves nothing. */
const GRADIENT_MIN = 1e-12;

/** The state of the descent. Rows `order[0] … order[activeCount − 1]` are in hand, the others are set aside. */
class Dual {
  readonly order: Int32Array;
  activeCount: number;
  readonly #rows: readonly Float32Array[];
  readonly #signs: Int8Array;
  /** Qᵢᵢ = ‖xᵢ‖² + 1, the constant feature included. */
  readonly #curvatures: Float64Array;
  readonly #costs: { readonly positive: number; readonly negative: number };
  readonly #alphas: Float64Array;
  readonly #weights: Float64Array;
  #bias = 0;

  constructor(rows: readonly Float32Array[], isPositive: readonly boolean[], cost: number) {
    const positives = isPositive.reduce((count, positive) => count + Number(positive), 0);
    const costOf = (side: number) => (cost * rows.length) / (2 * side);
    this.order = Int32Array.from(rows.keys());
    this.activeCount = rows.length;
    this.#rows = rows;
    this.#signs = Int8Array.from(isPositive, (positive) => (positive ? 1 : -1));
    this.#curvatures = Float64Array.from(rows, (row) => dot(row, row) + 1);
    this.#costs = { positive: costOf(positives), negative: costOf(rows.length - positives) };
    this.#alphas = new Float64Array(rows.length);
    this.#weights = new Float64Array(rows[0]!.length);
  }

  /**
   * Goes once over the rows in hand and sets aside those whose gradient points out of the box by more than that of any
   * row in the last pass, `bounds`.
   *
   * @returns the range of the projected gradient of the rows that stayed.
   */
  pass(bounds: GradientRange): GradientRange {
    let min = Infinity;
    let max = -Infinity;
    for (let at = 0; at < this.activeCount; at++) {
      const index = this.order[at]!;
      const gradient = this.#gradient(index);
      const alpha = this.#alphas[index]!;
      const atLower = alpha === 0;
      const atUpper = alpha === this.#costOf(index);
      if ((atLower && gradient > bounds.max) || (atUpper && gradient < bounds.min)) {
        this.#setAside(at--);
        continue;
      }
      const projected = atLower ? Math.min(gradient, 0) : atUpper ? Math.max(gradient, 0) : gradient;
      min = Math.min(min, projected);
      max = Math.max(max, projected);
      if (Math.abs(projected) > GRADIENT_MIN) this.#step(index, gradient);
    }
    return { min, max };
  }

  hyperplane(passes: number, converged: boolean): LinearSvm {
    return { weights: this.#weights, bias: this.#bias, passes, converged };
  }

  #gradient(index: number): number {
    return this.#signs[index]! * (dot(this.#weights, this.#rows[index]!) + this.#bias) - 1;
  }

  /** Moves α to the optimum of its coordinate, within 0 … C. */
  #step(index: number, gradient: number): void {
    const before = this.#alphas[index]!;
    const after = Math.min(Math.max(before - gradient / this.#curvatures[index]!, 0), this.#costOf(index));
    this.#alphas[index] = after;
    const factor = (after - before) * this.#signs[index]!;
    const row = this.#rows[index]!;
    const weights = this.#weights;
    for (let column = 0; column < weights.length; column++) weights[column]! += factor * row[column]!;
    this.#bias += factor;
  }

  #setAside(at: number): void {
    const { order } = this;
    const last = --this.activeCount;
    [order[at], order[last]] = [order[last]!, order[at]!];
  }

  #costOf(index: number): number {
    return this.#signs[index] === 1 ? this.#costs.positive : this.#costs.negative;
  }
}

/** Four sums at a time: the additions of one would wait for each other. */
function dot(a: Float64Array | Float32Array, b: Float32Array): number {
  let [sum0, sum1, sum2, sum3] = [0, 0, 0, 0];
  const whole = b.length & ~3;
  for (let at = 0; at < whole; at += 4) {
    sum0 += a[at]! * b[at]!;
    sum1 += a[at + 1]! * b[at + 1]!;
    sum2 += a[at + 2]! * b[at + 2]!;
    sum3 += a[at + 3]! * b[at + 3]!;
  }
  for (let at = whole; at < b.length; at++) sum0 += a[at]! * b[at]!;
  return sum0 + sum1 + sum2 + sum3;
}
