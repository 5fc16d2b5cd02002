import { findSubject } from "#analysis/vectors/find-subject.ts";
import { readCoordinates, readFeatureVectors, requireNewestBasis } from "#analysis/vectors/read-vectors.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import type { PcaSubject } from "#lib/table/pca-subject.ts";
import type { NamedTable } from "#ops/table/open-named-table.ts";
import { type Provenance, writeCurve, writeExperiment, writeSeries } from "./classification-files.ts";
import { type ExperimentOptions, type ExperimentResult, learningCurve, runExperiment } from "./learning/experiment.ts";
import { type LabelledRows, loadLabelled } from "./load-labelled.ts";
import { describeCurve, describeExperiment, describeSeries } from "./report.ts";
import { CLASS_ROWS_MIN, labelsOf, questionsOf, type Task } from "./task.ts";

export interface ClassifyRequest {
  readonly model: string;
  readonly run: string;
  readonly features: "features" | "pca_features";
  readonly task: Task;
  readonly options: ExperimentOptions;
  readonly learningCurve: boolean;
  /** Where files are written; without it none are. */
  readonly folder: string | undefined;
}

/**
 * Reads the vectors a task needs, answers its questions and tells the figures.
 *
 * @throws usage when the table does not have what the task asks for; see `questionsOf`, `findSubject`, `loadLabelled`.
 */
export async function classifyTable(
  named: NamedTable,
  request: ClassifyRequest,
  tell: (text: string) => void,
): Promise<void> {
  const { place, table } = named;
  const { task, options, folder } = request;
  const isSeries = asksForSeries(request);
  const subject = findSubject(named, request.model, request.run);
  const { rows, pcaVersion } = await load(table, subject, request);
  const questions = questionsOf(task, rows.rowsByLabel, options.seed);
  const { model, run } = subject;
  const origin: Provenance = {
    table: place,
    tableVersion: table.snapshot.version,
    model,
    run,
    features: request.features,
    pcaVersion,
    ...options,
  };
  tell(describeOrigin(origin, rows));
  for (const note of notesOn(task, rows)) tell(note);

  const results = questions.map((question) => runExperiment(rows, question, options));
  if (isSeries) {
    tell(`\n${describeSeries(results)}`);
    if (folder) await writeSeries(folder, results);
  } else {
    tell(`\n${describeExperiment(results[0]!)}`);
    if (folder) await writeExperiment(folder, results[0]!, origin);
    if (request.learningCurve) {
      const curve = learningCurve(rows, questions[0]!, options);
      tell(`\nlearning curve\n${describeCurve(curve)}`);
      if (folder) await writeCurve(folder, curve, titleOf(task, questions[0]!.classes.length), origin);
    }
  }
  const unfinished = describeUnfinished(results, options);
  if (unfinished) tell(`\n${unfinished}`);
  if (folder) tell(`\nwritten to ${folder}`);
}

/** @throws usage for the learning curve of a series. */
function asksForSeries({ task, learningCurve }: ClassifyRequest): boolean {
  const isSeries = task.kind === "pairs" || task.kind === "one-vs-all-sample";
  if (isSeries && learningCurve) {
    throw new FruitstreamError(
      "usage",
      "--learning-curve is of one classification; name --classes, --one-vs-all or --all",
    );
  }
  return isSeries;
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

function describeOrigin(origin: Provenance, { vectors, rowsByLabel }: LabelledRows): string {
  const { table, tableVersion, model, run, features, seed } = origin;
  const labelled = [...rowsByLabel.values()].reduce((sum, rows) => sum + rows, 0);
  const dimensions = vectors[0]?.length ?? 0;
  return [
    `${table} version ${tableVersion}, model ${model}, run ${run}`,
    `${labelled} labelled rows of ${rowsByLabel.size} labels; ${features} of ${dimensions} values; seed ${seed}`,
  ].join("\n");
}

/** What a reader of the figures should know about the rows. */
function notesOn(task: Task, { rowsByLabel, unlabelledRows, reprojectedRows }: LabelledRows): string[] {
  const notes: string[] = [];
  if (unlabelledRows > 0) notes.push(`left out: ${unlabelledRows} rows without a label`);
  const rare = [...rowsByLabel].filter(([, rows]) => rows < CLASS_ROWS_MIN).map(([label]) => label);
  if (rare.length > 0 && task.kind === "all") {
    notes.push(`left out: ${rare.length} labels with fewer than ${CLASS_ROWS_MIN} rows`);
  }
  if (reprojectedRows > 0) {
    notes.push(`${reprojectedRows} rows were projected by older bases, and are projected onto the newest here`);
  }
  return notes;
}

function titleOf(task: Task, classCount: number): string {
  if (task.kind === "one-vs-all") return `${task.label} against all others`;
  if (task.kind === "among" && task.classes.length === 2) return task.classes.join(" against ");
  return `${classCount} classes`;
}

function describeUnfinished(
  results: readonly ExperimentResult[],
  { passesMax }: ExperimentOptions,
): string | undefined {
  const machines = results.flatMap(({ classifier }) => classifier.machines);
  const unfinished = machines.filter(({ converged }) => !converged).length;
  if (unfinished === 0) return undefined;
  return `${unfinished} of ${machines.length} machines met --iterations ${passesMax} before their optimum; more may change the figures`;
}
