import { FruitstreamError } from "#lib/runtime/errors.ts";
import { nearestNames } from "#lib/runtime/nearest-names.ts";
import { Random } from "#lib/runtime/random.ts";
import { amongClasses, oneAgainstAll, type Question } from "./learning/experiment.ts";
import { shuffle } from "./learning/shuffle.ts";

/** What a person asks for. */
export type Task =
  | { readonly kind: "among"; readonly classes: readonly string[] }
  | { readonly kind: "one-vs-all"; readonly label: string }
  | { readonly kind: "all" }
  /** The mean over so many pairs of classes, drawn by the seed. */
  | { readonly kind: "pairs"; readonly count: number }
  /** The mean over so many classes, drawn by the seed, each against all others. */
  | { readonly kind: "one-vs-all-sample"; readonly count: number };

export interface TaskFlags {
  readonly classes?: readonly string[];
  readonly oneVsAll?: string;
  readonly all?: true;
  readonly pairs?: number;
  readonly oneVsAllSample?: number;
}

/** With seven tenths to train on, four to train and one to test. */
export const CLASS_ROWS_MIN = 5;

/** @throws usage when the flags name no task, or more than one. */
export function taskOf({ classes, oneVsAll, all, pairs, oneVsAllSample }: TaskFlags): Task {
  const tasks: Task[] = [
    ...(classes ? [{ kind: "among" as const, classes }] : []),
    ...(oneVsAll !== undefined ? [{ kind: "one-vs-all" as const, label: oneVsAll }] : []),
    ...(all ? [{ kind: "all" as const }] : []),
    ...(pairs !== undefined ? [{ kind: "pairs" as const, count: pairs }] : []),
    ...(oneVsAllSample !== undefined ? [{ kind: "one-vs-all-sample" as const, count: oneVsAllSample }] : []),
  ];
  if (tasks.length === 1) return tasks[0]!;
  const choice = "one of --classes, --one-vs-all, --all, --pairs and --one-vs-all-sample";
  throw new FruitstreamError("usage", `choose what to classify: ${choice}; got ${tasks.length} of them`);
}

/** The labels whose vectors a task needs; undefined for all. */
export function labelsOf(task: Task): ReadonlySet<string> | undefined {
  return task.kind === "among" ? new Set(task.classes) : undefined;
}

/**
 * The questions of a task: one, or as many as are to be drawn.
 *
 * Labels with fewer than CLASS_ROWS_MIN rows are no classes of their own unless they are named, which is an error; in
 * "the others" of one class they count like all.
 *
 * @throws usage for unknown labels (with the nearest known), for classes with too few rows, and when there are fewer
 * classes or pairs than the task needs.
 */
export function questionsOf(task: Task, rowsByLabel: ReadonlyMap<string, number>, seed: number): Question[] {
  const common = [...rowsByLabel.keys()].filter((label) => rowsByLabel.get(label)! >= CLASS_ROWS_MIN).sort();
  switch (task.kind) {
    case "among":
      requireClasses(task.classes, rowsByLabel);
      return [amongClasses(task.classes)];
    case "one-vs-all":
      requireOthers(task.label, rowsByLabel);
      return [oneAgainstAll(task.label)];
    case "all":
      requireCount(common.length, 2, `labels of at least ${CLASS_ROWS_MIN} rows`);
      return [amongClasses(common)];
    case "pairs":
      requireCount((common.length * (common.length - 1)) / 2, task.count, "pairs of labels");
      return drawPairs(common, task.count, new Random(seed)).map(amongClasses);
    case "one-vs-all-sample":
      requireCount(common.length, Math.max(2, task.count), `labels of at least ${CLASS_ROWS_MIN} rows`);
      return shuffle([...common], new Random(seed))
        .slice(0, task.count)
        .map(oneAgainstAll);
  }
}

function requireClasses(classes: readonly string[], rowsByLabel: ReadonlyMap<string, number>): void {
  if (new Set(classes).size !== classes.length || classes.length < 2) {
    throw new FruitstreamError("usage", `--classes needs at least two different names, got ${quoted(classes)}`);
  }
  for (const label of classes) requireRows(label, rowsByLabel);
}

function requireOthers(label: string, rowsByLabel: ReadonlyMap<string, number>): void {
  requireRows(label, rowsByLabel);
  const counts = [...rowsByLabel].flatMap(([other, rows]) => (other === label ? [] : rows));
  const others = counts.reduce((sum, rows) => sum + rows, 0);
  const problem = `"${label}" has ${others} rows of other labels to be told apart from`;
  if (others < CLASS_ROWS_MIN) {
    throw new FruitstreamError("usage", `${problem}; at least ${CLASS_ROWS_MIN} are needed`);
  }
  // The only row of a label is trained on.
  if (counts.some((rows) => rows > 1)) return;
  throw new FruitstreamError("usage", `${problem}, each the only one of its label; none would be left for the test`);
}

function requireRows(label: string, rowsByLabel: ReadonlyMap<string, number>): void {
  const rows = rowsByLabel.get(label);
  if (rows === undefined) {
    const nearest = quoted(nearestNames(label, rowsByLabel.keys()));
    throw new FruitstreamError(
      "usage",
      `no row has the label "${label}"; the nearest of ${rowsByLabel.size} are ${nearest}`,
    );
  }
  if (rows >= CLASS_ROWS_MIN) return;
  const remedy = `at least ${CLASS_ROWS_MIN} are needed to train and to test`;
  throw new FruitstreamError("usage", `"${label}" has ${rows} row${rows === 1 ? "" : "s"}; ${remedy}`);
}

function requireCount(count: number, countMin: number, what: string): void {
  if (count >= countMin) return;
  throw new FruitstreamError("usage", `the table must have at least ${countMin} ${what}, got ${count}`);
}

/** Different pairs, each in the order of its names. */
function drawPairs(labels: readonly string[], count: number, random: Random): [string, string][] {
  const pairs = new Map<string, [string, string]>();
  while (pairs.size < count) {
    const first = random.between(0, labels.length - 1);
    const second = random.between(0, labels.length - 1);
    if (first < second) pairs.set(`${first},${second}`, [labels[first]!, labels[second]!]);
  }
  return [...pairs.values()];
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(", ");
}
