/** c × c counts: `matrix[actual][predicted]`. */
export type ConfusionMatrix = readonly (readonly number[])[];

/** Shares of 0 to 1. One whose denominator is 0 is 0, as scikit-learn has it. */
export interface Scores {
  readonly precision: number;
  readonly recall: number;
  /** The harmonic mean of the two. */
  readonly f1: number;
}

interface ClassScores extends Scores {
  /** How many rows are of this class. */
  readonly rows: number;
}

export interface Evaluation {
  readonly rows: number;
  readonly accuracy: number;
  /** The mean recall of the classes: what guessing the largest class can't raise. */
  readonly balancedAccuracy: number;
  readonly byClass: readonly ClassScores[];
  /** The mean over the classes, each counting the same. */
  readonly macro: Scores;
  /** Over all rows, each counting the same. With one answer a row, all three are the accuracy. */
  readonly micro: Scores;
}

export function confusionMatrix(
  actual: readonly number[],
  predicted: readonly number[],
  classCount: number,
): ConfusionMatrix {
  const matrix = Array.from({ length: classCount }, () => new Array<number>(classCount).fill(0));
  for (const [row, target] of actual.entries()) matrix[target]![predicted[row]!]! += 1;
  return matrix;
}

/** Every class must have a row, else the means over the classes count it as missed. */
export function evaluate(matrix: ConfusionMatrix): Evaluation {
  const hits = matrix.map((counts, index) => counts[index]!);
  const actual = matrix.map(sum);
  const predicted = matrix.map((_, index) => sum(matrix.map((counts) => counts[index]!)));
  const byClass = matrix.map((_, index) => ({
    rows: actual[index]!,
    ...scores(hits[index]!, predicted[index]!, actual[index]!),
  }));
  const mean = (part: keyof Scores) => share(sum(byClass.map((one) => one[part])), byClass.length);
  const rows = sum(actual);
  return {
    rows,
    accuracy: share(sum(hits), rows),
    balancedAccuracy: mean("recall"),
    byClass,
    macro: { precision: mean("precision"), recall: mean("recall"), f1: mean("f1") },
    micro: scores(sum(hits), sum(predicted), rows),
  };
}

function scores(hits: number, predicted: number, actual: number): Scores {
  return { precision: share(hits, predicted), recall: share(hits, actual), f1: share(2 * hits, predicted + actual) };
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
