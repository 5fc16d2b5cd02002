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

/** Each row's class as an index: that of the largest decision value; of equal ones the first. */
export function classify({ standardisation, machines }: LinearClassifier, rows: readonly Float32Array[]): number[] {
  return rows.map((row) => {
    const [scaled] = standardise(standardisation, [row]);
    const values = machines.map((machine) => decisionValue(machine, scaled!));
    if (values.length === 1) return values[0]! >= 0 ? 0 : 1;
    return values.reduce((best, value, index) => (value > values[best]! ? index : best), 0);
  });
}
