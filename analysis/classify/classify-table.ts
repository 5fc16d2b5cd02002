import { findSubject } from "#analysis/vectors/find-subject.ts";
import { readCoordinates, readFeatureVectors, requireNewestBasis } from "#analysis/vectors/read-vectors.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import type { PcaSubject } from "#lib/table/pca-subject.ts";
import type { NamedTable } from "#ops/table/open-named-table.ts";
import { type Provenance, writeCurve, writeExperiment, writeSeries } from "./classification-files.ts";
import {
  type CurvePoint,
  type ExperimentOptions,
  type ExperimentResult,
  learningCurve,
  type Question,
  runExperiment,
} from "./learning/experiment.ts";
import { COST } from "./learning/linear-svm.ts";
import type { Part } from "./learning/stratified-split.ts";
import { type LabelledRows, loadLabelled } from "./load-labelled.ts";
import { type PathSplit, partsByPath } from "./path-split.ts";
import { labelsOf, questionsOf, type Task } from "./task.ts";

export interface ClassifyRequest {
  /** A model's id or name; undefined for the table's only one. */
  readonly model: string | undefined;
  readonly run: string;
  readonly features: "features" | "pca_features";
  readonly task: Task;
  readonly options: ExperimentOptions;
  /** The given split; without it each label is divided by `trainShare`. */
  readonly split?: PathSplit | undefined;
  readonly learningCurve: boolean;
  /** Where files are written; without it none are. */
  readonly folder: string | undefined;
}

/** What came of a classification: one experiment, or a series of them. */
export interface Classification {
  readonly origin: Provenance;
  readonly task: Task;
  readonly rows: Pick<LabelledRows, "vectors" | "rowsByLabel" | "unlabelledRows" | "reprojectedRows">;
  /** Rows of the labels that were classified, and below neither prefix of a given split. */
  readonly rowsInNoPart: number;
  readonly isSeries: boolean;
  readonly results: readonly ExperimentResult[];
  readonly curve: readonly CurvePoint[] | undefined;
  readonly folder: string | undefined;
}

/**
 * Reads the vectors a task needs, answers its questions and writes the files.
 *
 * @throws usage when the table does not have what the task asks for; see `questionsOf`, `findSubject`, `loadLabelled`,
 * `partsByPath`.
 */
export async function classifyTable(named: NamedTable, request: ClassifyRequest): Promise<Classification> {
  const { task, options, folder, split } = request;
  const isSeries = task.kind === "pairs" || task.kind === "one-vs-all-sample";
  if (isSeries && request.learningCurve) {
    const remedy = "name --classes, --one-vs-all or --all";
    throw new FruitstreamError("usage", `--learning-curve is of one classification; ${remedy}`);
  }
  const subject = findSubject(named, request.model, request.run);
  const { rows, pcaVersion } = await load(named.table, subject, request);
  const parts = split && partsByPath(rows.paths, rows.root, split);
  const data = { ...rows, parts };
  const questions = questionsOf(task, parts ? rowsInBothParts(rows, parts, task) : rows.rowsByLabel, options.seed);
  if (parts) for (const question of questions) requireBothParts(question, rows.labels, parts);

  const origin = provenanceOf(named, subject, pcaVersion, request);
  const results = questions.map((question) => runExperiment(data, question, options));
  const curve = request.learningCurve ? learningCurve(data, questions[0]!, options) : undefined;
  const rowsInNoPart = parts?.filter((part) => part === undefined).length ?? 0;
  const classification = { origin, task, rows, rowsInNoPart, isSeries, results, curve, folder };
  if (folder !== undefined) await writeFiles(folder, classification);
  return classification;
}

async function load(table: DeltaTable, subject: PcaSubject, { features, task }: ClassifyRequest) {
  const wanted = labelsOf(task);
  if (features === "features") {
    return { rows: await loadLabelled(readFeatureVectors(table, subject), wanted), pcaVersion: null };
  }
  const basis = await requireNewestBasis(table, subject);
  const rows = await loadLabelled(readCoordinates(table, subject, basis), wanted);
  return { rows, pcaVersion: basis.version };
}

function provenanceOf(
  { place, table }: NamedTable,
  { model, run }: PcaSubject,
  pcaVersion: number | null,
  { features, options, split }: ClassifyRequest,
): Provenance {
  const { trainShare, cost = COST, passesMax, seed } = options;
  return {
    ...{ table: place, tableVersion: table.snapshot.version, model, run, features, pcaVersion },
    trainShare: split ? null : trainShare,
    trainPrefix: split?.trainPrefix ?? null,
    testPrefix: split?.testPrefix ?? null,
    ...{ cost, passesMax, seed },
  };
}

/** A label that lies in one part only is no class of its own unless it is named. */
function rowsInBothParts({ labels, rowsByLabel }: LabelledRows, parts: readonly (Part | undefined)[], task: Task) {
  if (task.kind === "among" || task.kind === "one-vs-all") return rowsByLabel;
  const labelsOfPart = (part: Part) => new Set(labels.filter((_, index) => parts[index] === part));
  const [trained, tested] = [labelsOfPart("train"), labelsOfPart("test")];
  return new Map([...rowsByLabel].filter(([label]) => trained.has(label) && tested.has(label)));
}

function requireBothParts(question: Question, labels: readonly string[], parts: readonly (Part | undefined)[]): void {
  for (const [part, use] of [
    ["train", "train on"],
    ["test", "test with"],
  ] as const) {
    const present = new Set(
      labels.map((label, index) => (parts[index] === part ? question.classOf(label) : undefined)),
    );
    const missing = question.classes.find((_, index) => !present.has(index));
    if (missing === undefined) continue;
    const problem = `"${missing}" has no row to ${use} below the prefixes`;
    throw new FruitstreamError("usage", `${problem}; check --train-prefix and --test-prefix, or leave the class out`);
  }
}

async function writeFiles(folder: string, { origin, task, isSeries, results, curve }: Classification): Promise<void> {
  if (isSeries) return writeSeries(folder, results);
  await writeExperiment(folder, results[0]!, origin);
  if (curve) await writeCurve(folder, curve, titleOf(task, results[0]!.classifier.classes.length), origin);
}

function titleOf(task: Task, classCount: number): string {
  if (task.kind === "one-vs-all") return `${task.label} against all others`;
  if (task.kind === "among" && task.classes.length === 2) return task.classes.join(" against ");
  return `${classCount} classes`;
}
