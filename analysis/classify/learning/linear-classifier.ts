import { decisionValue, type LinearSvm, type SvmOptions, trainLinearSvm } from "./linear-svm.ts";
import { fitStandardisation, type Standardisation, standardise } from "./standardisation.ts";

/** Linear SVMs over a common scale that together tell c classes apart. */
export interface LinearClassifier {
  readonly classes: readonly string[];
  readonly standardisation: Standardisation;
  /** One of each class against the rest; of two classes a single one, whose positive side is the first class. */
  readonly machines: readonly LinearSvm[];
}

/**
 * Trains on n rows: one machine for two classes, c of them, one against the rest, for more.
 *
 * @param targets each row's index in `classes`; every class must have a row.
 * @param classes at least two.
 */
export function trainClassifier(
  rows: readonly Float32Array[],
  targets: readonly number[],
  classes: readonly string[],
  options: SvmOptions,
): LinearClassifier {
  const standardisation = fitStandardisation(rows);
  const scaled = standardise(standardisation, rows);
  const positives = classes.length === 2 ? [0] : [...classes.keys()];
  const machines = positives.map((positive) => {
    const isPositive = targets.map((target) => target === positive);
    return trainLinearSvm(scaled, isPositive, options);
  });
  return { classes, standardisation, machines };
}

/** Each row's class as an index. */
export function classify(classifier: LinearClassifier, rows: readonly Float32Array[]): number[] {
  return rows.map((row) => winnerOf(decisionValues(classifier, row)));
}

/** How far a row lies on the positive side of each machine. */
export function decisionValues({ standardisation, machines }: LinearClassifier, row: Float32Array): number[] {
  const [scaled] = standardise(standardisation, [row]);
  return machines.map((machine) => decisionValue(machine, scaled!));
}

/** The class with the largest decision value, as an index; of equal ones the first. */
export function winnerOf(values: readonly number[]): number {
  if (values.length === 1) return values[0]! >= 0 ? 0 : 1;
  return values.reduce((best, value, index) => (value > values[best]! ? index : best), 0);
}
