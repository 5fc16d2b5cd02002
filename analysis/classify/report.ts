import type { Classification } from "./classify-table.ts";
import type { ConfusionMatrix, Scores } from "./learning/confusion-matrix.ts";
import type { CurvePoint, ExperimentResult } from "./learning/experiment.ts";
import { CLASS_ROWS_MIN } from "./task.ts";

/** A larger matrix is wider than a terminal; its confusions are listed instead. */
const MATRIX_CLASSES_MAX = 8;
const CONFUSIONS_LISTED_MAX = 20;

/** All that a person wants to know of a classification. */
export function describeClassification(classification: Classification): string {
  const { results, isSeries, curve, folder } = classification;
  const unfinished = describeUnfinished(classification);
  return [
    describeOrigin(classification),
    ...notesOn(classification),
    `\n${isSeries ? describeSeries(results) : describeExperiment(results[0]!)}`,
    ...(curve ? [`\nlearning curve\n${describeCurve(curve)}`] : []),
    ...(unfinished ? [`\n${unfinished}`] : []),
    ...(folder === undefined ? [] : [`\nwritten to ${folder}`]),
  ].join("\n");
}

/** The figures of a classification, for programs. Scores are shares of 0 to 1. */
export function classificationFacts({ origin, results, isSeries, curve, folder }: Classification) {
  const { table, tableVersion: version, ...choices } = origin;
  const experiments = results.map(({ classifier, trainRows, evaluation }) => {
    const { rows: testRows, accuracy, balancedAccuracy, byClass, macro } = evaluation;
    const classes = byClass.map((scores, index) => ({ label: classifier.classes[index]!, ...scores }));
    return { trainRows, testRows, accuracy, balancedAccuracy, macro, classes };
  });
  const figures = isSeries ? { experiments } : experiments[0]!;
  return { table, version, ...choices, ...figures, ...(curve ? { curve } : {}), out: folder ?? null };
}

function describeOrigin({ origin, rows: { vectors, rowsByLabel } }: Classification): string {
  const { table, tableVersion, model, run, features, seed } = origin;
  const labelled = [...rowsByLabel.values()].reduce((sum, rows) => sum + rows, 0);
  const dimensions = vectors[0]?.length ?? 0;
  return [
    `${table} version ${tableVersion}, model ${model}, run ${run}`,
    `${labelled} labelled rows of ${rowsByLabel.size} labels; ${features} of ${dimensions} values; seed ${seed}`,
  ].join("\n");
}

/** What a reader of the figures should know about the rows. */
function notesOn({ task, rows: { rowsByLabel, unlabelledRows, reprojectedRows }, rowsInNoPart }: Classification) {
  const notes: string[] = [];
  if (unlabelledRows > 0) notes.push(`left out: ${unlabelledRows} rows without a label`);
  if (rowsInNoPart > 0) notes.push(`left out: ${rowsInNoPart} rows below neither --train-prefix nor --test-prefix`);
  const rare = [...rowsByLabel].filter(([, rows]) => rows < CLASS_ROWS_MIN).map(([label]) => label);
  if (rare.length > 0 && task.kind === "all") {
    notes.push(`left out: ${rare.length} labels with fewer than ${CLASS_ROWS_MIN} rows`);
  }
  if (reprojectedRows > 0) {
    const here = `${reprojectedRows} rows were projected by older bases, and are projected onto the newest here`;
    notes.push(`${here}; \`table reproject\` does so in the table`);
  }
  return notes;
}

function describeUnfinished({ results, origin }: Classification): string | undefined {
  const machines = results.flatMap(({ classifier }) => classifier.machines);
  const unfinished = machines.filter(({ converged }) => !converged).length;
  if (unfinished === 0) return undefined;
  return `${unfinished} of ${machines.length} machines met --iterations ${origin.passesMax} before their optimum; more may change the figures`;
}

/** All figures of one experiment. */
function describeExperiment({ classifier, trainRows, matrix, evaluation }: ExperimentResult): string {
  const { classes } = classifier;
  const scoreRows = evaluation.byClass.map(({ rows, ...scores }, index) => [
    classes[index]!,
    String(rows),
    ...percents(scores),
  ]);
  return [
    `trained on ${trainRows} rows, tested on ${evaluation.rows}`,
    `accuracy ${percent(evaluation.accuracy)} %, balanced accuracy ${percent(evaluation.balancedAccuracy)} %`,
    "",
    table([
      ["class", "test rows", "precision %", "recall %", "F1 %"],
      ...scoreRows,
      ["macro mean", String(evaluation.rows), ...percents(evaluation.macro)],
      ["micro mean", String(evaluation.rows), ...percents(evaluation.micro)],
    ]),
    "",
    ...(classes.length <= MATRIX_CLASSES_MAX ? describeMatrix(matrix, classes) : describeConfusions(matrix, classes)),
  ].join("\n");
}

/** One line an experiment, and their means. */
function describeSeries(results: readonly ExperimentResult[]): string {
  const rows = results.map(({ classifier, evaluation }) => [
    classifier.classes.join(" : "),
    String(evaluation.rows),
    percent(evaluation.accuracy),
    percent(evaluation.balancedAccuracy),
    percent(evaluation.macro.f1),
  ]);
  const mean = (part: (result: ExperimentResult) => number) =>
    percent(results.reduce((sum, result) => sum + part(result), 0) / results.length);
  const means = [
    mean(({ evaluation }) => evaluation.accuracy),
    mean(({ evaluation }) => evaluation.balancedAccuracy),
    mean(({ evaluation }) => evaluation.macro.f1),
  ];
  const heading = ["classes", "test rows", "accuracy %", "balanced %", "macro F1 %"];
  return table([heading, ...rows, [`mean of ${results.length}`, "", ...means]]);
}

function describeCurve(points: readonly CurvePoint[]): string {
  const rows = points.map(({ trainRows, trainAccuracy, testAccuracy, testBalancedAccuracy }) => [
    String(trainRows),
    percent(trainAccuracy),
    percent(testAccuracy),
    percent(testBalancedAccuracy),
  ]);
  return table([["training rows", "training %", "test %", "test, balanced %"], ...rows]);
}

function describeMatrix(matrix: ConfusionMatrix, classes: readonly string[]): string[] {
  const rows = matrix.map((counts, index) => [classes[index]!, ...counts.map(String)]);
  return ["confusion matrix", table([["actual \\ predicted", ...classes], ...rows])];
}

function describeConfusions(matrix: ConfusionMatrix, classes: readonly string[]): string[] {
  const confusions = matrix
    .flatMap((counts, actual) => counts.map((count, predicted) => ({ actual, predicted, count })))
    .filter(({ actual, predicted, count }) => actual !== predicted && count > 0)
    .sort((a, b) => b.count - a.count);
  const listed = confusions.slice(0, CONFUSIONS_LISTED_MAX);
  if (listed.length === 0) return ["no class was taken for another"];
  const rows = listed.map(({ actual, predicted, count }) => [classes[actual]!, classes[predicted]!, String(count)]);
  return [
    `confusions, ${listed.length} of ${confusions.length}; --out writes the whole matrix`,
    table([["actual", "predicted", "rows"], ...rows]),
  ];
}

function percents({ precision, recall, f1 }: Scores): string[] {
  return [precision, recall, f1].map(percent);
}

function percent(share: number): string {
  return (100 * share).toFixed(2);
}

/** Columns as wide as their widest cell: names to the left, numbers to the right. */
function table(rows: readonly (readonly string[])[]): string {
  const isNumber = (text: string) => text === "" || !Number.isNaN(Number(text));
  const columns = rows[0]!.map((_, column) => ({
    width: Math.max(...rows.map((row) => row[column]!.length)),
    isNumeric: rows.slice(1).every((row) => isNumber(row[column]!)),
  }));
  const align = (text: string, column: number) => {
    const { width, isNumeric } = columns[column]!;
    return isNumeric ? text.padStart(width) : text.padEnd(width);
  };
  return rows.map((row) => row.map(align).join("  ").trimEnd()).join("\n");
}
