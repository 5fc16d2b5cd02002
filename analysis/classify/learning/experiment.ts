import { type ConfusionMatrix, confusionMatrix, type Evaluation, evaluate } from "./confusion-matrix.ts";
import { classify, type LinearClassifier, trainClassifier } from "./linear-classifier.ts";
import { type Part, type Split, splitAsGiven, splitStratified, trainingPart } from "./stratified-split.ts";

/** Vectors and their labels, side by side. */
export interface LabelledVectors {
  readonly labels: readonly string[];
  readonly vectors: readonly Float32Array[];
  /** What each row is for, where somebody has decided it; undefined for a row that is left out. */
  readonly parts?: readonly (Part | undefined)[] | undefined;
}

/** What is told apart. */
export interface Question {
  /** At least two. */
  readonly classes: readonly string[];
  /** The class that a label belongs to, as an index; undefined for one that is not asked about. */
  readonly classOf: (label: string) => number | undefined;
}

export interface ExperimentOptions {
  /** The part of each label's rows to train on, above 0 and below 1, unless the rows' parts are given. */
  readonly trainShare: number;
  readonly cost?: number;
  readonly passesMax: number;
  readonly seed: number;
}

export interface ExperimentResult {
  readonly classifier: LinearClassifier;
  readonly trainRows: number;
  /** Of the test rows. */
  readonly matrix: ConfusionMatrix;
  readonly evaluation: Evaluation;
}

/** One point of a learning curve. */
export interface CurvePoint {
  readonly trainRows: number;
  readonly trainAccuracy: number;
  readonly testAccuracy: number;
  readonly testBalancedAccuracy: number;
}

/** Each of these labels is a class. */
export function amongClasses(classes: readonly string[]): Question {
  const indices = new Map(classes.map((label, index) => [label, index]));
  return { classes, classOf: (label) => indices.get(label) };
}

/** One label against all others together. */
export function oneAgainstAll(label: string): Question {
  return { classes: [label, `not ${label}`], classOf: (other) => (other === label ? 0 : 1) };
}

/** Splits, trains on one part and tests on the other. Each class needs at least two rows. */
export function runExperiment(data: LabelledVectors, question: Question, options: ExperimentOptions): ExperimentResult {
  const prepared = prepare(data, question, options);
  return trainAndTest(prepared, trainingPart(prepared.split), options);
}

/**
 * Accuracy against the number of training rows: the training part is cut to growing shares of every label, each of
 * which contains the smaller ones; the test rows stay the same. The last point is `runExperiment`'s. Shares that come to
 * the same number of rows are one point.
 *
 * @param shares of the training rows, ascending, above 0 and at most 1.
 */
export function learningCurve(
  data: LabelledVectors,
  question: Question,
  options: ExperimentOptions,
  shares: readonly number[] = CURVE_SHARES,
): CurvePoint[] {
  const prepared = prepare(data, question, options);
  const parts = new Map(
    shares.map((share) => {
      const part = trainingPart(prepared.split, share);
      return [part.length, part] as const;
    }),
  );
  return [...parts.values()].map((part) => curvePoint(prepared, part, options));
}

/** Closer together where the curve is steep. */
const CURVE_SHARES = [0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1];

interface Prepared {
  readonly classes: readonly string[];
  readonly split: Split;
  readonly pick: (indices: readonly number[]) => { vectors: Float32Array[]; targets: number[] };
}

/** The split is by label and not by class, so that every label is in the rest that a class is told apart from. */
function prepare(
  { labels, vectors, parts }: LabelledVectors,
  question: Question,
  { trainShare, seed }: ExperimentOptions,
): Prepared {
  const asked = [...labels.keys()].filter((index) => question.classOf(labels[index]!) !== undefined);
  const askedLabels = asked.map((index) => labels[index]!);
  const split = parts
    ? splitAsGiven(
        askedLabels,
        asked.map((index) => parts[index]),
        seed,
      )
    : splitStratified(askedLabels, trainShare, seed);
  const pick = (indices: readonly number[]) => {
    const rows = indices.map((index) => asked[index]!);
    return {
      vectors: rows.map((row) => vectors[row]!),
      targets: rows.map((row) => question.classOf(labels[row]!)!),
    };
  };
  return { classes: question.classes, split, pick };
}

function trainAndTest(prepared: Prepared, part: readonly number[], options: ExperimentOptions): ExperimentResult {
  const { vectors, targets } = prepared.pick(part);
  const classifier = trainClassifier(vectors, targets, prepared.classes, options);
  const matrix = testOn(prepared, classifier, prepared.split.test);
  return { classifier, trainRows: part.length, matrix, evaluation: evaluate(matrix) };
}

function curvePoint(prepared: Prepared, part: readonly number[], options: ExperimentOptions): CurvePoint {
  const { classifier, trainRows, evaluation } = trainAndTest(prepared, part, options);
  return {
    trainRows,
    trainAccuracy: evaluate(testOn(prepared, classifier, part)).accuracy,
    testAccuracy: evaluation.accuracy,
    testBalancedAccuracy: evaluation.balancedAccuracy,
  };
}

function testOn({ pick, classes }: Prepared, classifier: LinearClassifier, part: readonly number[]): ConfusionMatrix {
  const { vectors, targets } = pick(part);
  return confusionMatrix(targets, classify(classifier, vectors), classes.length);
}
