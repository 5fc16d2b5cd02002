import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { csvOf } from "#analysis/csv.ts";
import { renderSvg } from "#analysis/plot/render-chart.ts";
import type { CurvePoint, ExperimentResult } from "./learning/experiment.ts";
import { learningCurveChart } from "./learning-curve-chart.ts";

/** Where a classification's figures come from: enough to do it again. */
export interface Provenance {
  readonly table: string;
  readonly tableVersion: number;
  readonly model: string;
  readonly run: string;
  readonly features: "features" | "pca_features";
  /** The basis of `pca_features`; null for `features`. */
  readonly pcaVersion: number | null;
  /** Of each label's rows; null where the parts were given by path. */
  readonly trainShare: number | null;
  readonly trainPrefix: string | null;
  readonly testPrefix: string | null;
  readonly cost: number;
  readonly passesMax: number;
  readonly seed: number;
}

/** Writes `weights.json`, `scores.csv` and `confusion-matrix.csv`. */
export async function writeExperiment(folder: string, result: ExperimentResult, origin: Provenance): Promise<void> {
  const { classifier, matrix, evaluation } = result;
  const scores = evaluation.byClass.map(({ rows, precision, recall, f1 }, index) => [
    classifier.classes[index]!,
    rows,
    precision,
    recall,
    f1,
  ]);
  await writeText(folder, "weights.json", `${JSON.stringify(weightsOf(result, origin))}\n`);
  await writeText(folder, "scores.csv", csvOf([["class", "test_rows", "precision", "recall", "f1"], ...scores]));
  const counts = matrix.map((row, index) => [classifier.classes[index]!, ...row]);
  await writeText(folder, "confusion-matrix.csv", csvOf([["actual", ...classifier.classes], ...counts]));
}

/** Writes `experiments.csv`: one line for each of a series. */
export async function writeSeries(folder: string, results: readonly ExperimentResult[]): Promise<void> {
  const rows = results.map(({ classifier, trainRows, evaluation }) => [
    ...classifier.classes,
    trainRows,
    evaluation.rows,
    evaluation.accuracy,
    evaluation.balancedAccuracy,
    evaluation.macro.f1,
  ]);
  const heading = ["class", "against", "train_rows", "test_rows", "accuracy", "balanced_accuracy", "macro_f1"];
  await writeText(folder, "experiments.csv", csvOf([heading, ...rows]));
}

/** Writes `learning-curve.csv` and `learning-curve.svg`. */
export async function writeCurve(folder: string, points: readonly CurvePoint[], title: string, origin: Provenance) {
  const rows = points.map((point) => [
    point.trainRows,
    point.trainAccuracy,
    point.testAccuracy,
    point.testBalancedAccuracy,
  ]);
  const heading = ["train_rows", "train_accuracy", "test_accuracy", "test_balanced_accuracy"];
  await writeText(folder, "learning-curve.csv", csvOf([heading, ...rows]));
  const subtitle = `${origin.model}, ${origin.features}, linear SVM, seed ${origin.seed}`;
  await writeText(folder, "learning-curve.svg", await renderSvg(learningCurveChart(points, title, subtitle)));
}

/** What another program needs to use the machines, and to know what they were trained on. */
function weightsOf({ classifier, trainRows, evaluation }: ExperimentResult, origin: Provenance) {
  const { classes, standardisation, machines } = classifier;
  const decision =
    machines.length === 1
      ? "classes[0] where weights · ((x - mean) * factors) + bias >= 0, else classes[1]"
      : "the class whose machine has the largest weights · ((x - mean) * factors) + bias";
  return {
    kind: "linear SVM, hinge loss, L2",
    ...origin,
    trainRows,
    testRows: evaluation.rows,
    testAccuracy: evaluation.accuracy,
    testBalancedAccuracy: evaluation.balancedAccuracy,
    classes,
    decision,
    mean: numbers(standardisation.mean),
    factors: numbers(standardisation.factors),
    machines: machines.map(({ weights, bias, passes, converged }, index) => ({
      positive: classes[index],
      bias,
      passes,
      converged,
      weights: numbers(weights),
    })),
  };
}

/** Nine digits are as many as tell one float32 from the next; the features have no more. */
function numbers(values: Float64Array): number[] {
  return Array.from(values, (value) => Number(value.toPrecision(9)));
}

async function writeText(folder: string, name: string, text: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, name), text);
}
