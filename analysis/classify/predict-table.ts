import { open, rename, rm } from "node:fs/promises";
import { csvOf } from "#analysis/csv.ts";
import { findSubject } from "#analysis/vectors/find-subject.ts";
import { readCoordinates, readFeatureVectors, type TableVector } from "#analysis/vectors/read-vectors.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { BasisStore } from "#lib/table/basis-store.ts";
import type { PcaSubject } from "#lib/table/pca-subject.ts";
import type { NamedTable } from "#ops/table/open-named-table.ts";
import { decisionValues, winnerOf } from "./learning/linear-classifier.ts";
import type { Weights } from "./weights-file.ts";

export interface PredictRequest {
  readonly run: string;
  readonly weights: Weights;
  /** Gets a line for each row; `.csv` or `.json` says how. Replaced when it exists. */
  readonly file: string;
}

/** What came of predictions. */
export interface Predictions {
  readonly table: string;
  readonly version: number;
  readonly model: string;
  readonly run: string;
  readonly rows: number;
  /** Rows by the class that was predicted. */
  readonly predicted: Readonly<Record<string, number>>;
  /** Of the rows whose label is one of the classes, and how many of them were predicted so. */
  readonly known: { readonly rows: number; readonly right: number };
  readonly file: string;
}

/**
 * Predicts the class of every row of a model and run by weights that were trained before, and writes path, label,
 * predicted class and decision values. Holds one data file of the table at a time; the file appears when it is whole.
 *
 * @throws usage when the weights are of another model, of vectors of another length, or of a basis that the table does
 * not have.
 */
export async function predictTable(named: NamedTable, request: PredictRequest): Promise<Predictions> {
  const { weights, file } = request;
  const { classes } = weights.classifier;
  const subject = findSubject(named, weights.model, request.run);
  const format = formatOf(file);
  const predicted = new Map(classes.map((name) => [name, 0]));
  let [rows, knownRows, right] = [0, 0, 0];
  await writeWhole(file, async (write) => {
    await write(format.head(classes));
    for await (const { path, label, vector } of await readVectors(named, subject, weights)) {
      requireLength(vector, weights, path);
      const values = decisionValues(weights.classifier, vector);
      const winner = classes[winnerOf(values)]!;
      await write(format.row({ path, label, predicted: winner, values }, rows === 0));
      rows += 1;
      predicted.set(winner, predicted.get(winner)! + 1);
      const known = label === null ? undefined : classOf(label, classes);
      knownRows += Number(known !== undefined);
      right += Number(known === winner);
    }
    await write(format.foot);
  });
  const known = { rows: knownRows, right };
  const version = named.table.snapshot.version;
  return { table: named.place, version, ...subject, rows, predicted: Object.fromEntries(predicted), known, file };
}

/** A label is its own class, or, of one against all others, one of the others. */
function classOf(label: string, classes: readonly string[]): string | undefined {
  if (classes.includes(label)) return label;
  return classes.length === 2 && classes[1] === `not ${classes[0]}` ? classes[1] : undefined;
}

async function readVectors(
  named: NamedTable,
  subject: PcaSubject,
  weights: Weights,
): Promise<AsyncIterable<TableVector>> {
  const { table, place } = named;
  if (weights.pcaVersion === null) return readFeatureVectors(table, subject);
  if (weights.table !== place) {
    const problem = `the weights are for coordinates of the PCA bases of ${weights.table}, not of ${place}`;
    throw new FruitstreamError("usage", `${problem}; train on --features features to predict other tables`);
  }
  const basis = await new BasisStore(table, subject).find(weights.pcaVersion);
  if (basis) return readCoordinates(table, subject, basis);
  throw new FruitstreamError("usage", `${place} has no PCA basis ${weights.pcaVersion}, which the weights are for`);
}

function requireLength({ length }: Float32Array, { classifier }: Weights, path: string): void {
  const expected = classifier.standardisation.mean.length;
  if (length === expected) return;
  throw new FruitstreamError("usage", `the weights are for ${expected} values, and ${path} has ${length}`);
}

interface PredictedRow {
  readonly path: string;
  readonly label: string | null;
  readonly predicted: string;
  /** One of each machine. */
  readonly values: readonly number[];
}

interface Format {
  readonly head: (classes: readonly string[]) => string;
  readonly row: (row: PredictedRow, isFirst: boolean) => string;
  readonly foot: string;
}

function formatOf(file: string): Format {
  if (file.endsWith(".csv")) return CSV;
  if (file.endsWith(".json")) return JSON_ARRAY;
  throw new FruitstreamError("usage", `--out must end in .csv or .json, got "${file}"`);
}

const CSV: Format = {
  head: (classes) => csvOf([["path", "label", "predicted", ...machinesOf(classes).map((name) => `decision ${name}`)]]),
  row: ({ path, label, predicted, values }) => csvOf([[path, label, predicted, ...values]]),
  foot: "",
};

const JSON_ARRAY: Format = {
  head: () => "[",
  row: ({ path, label, predicted, values }, isFirst) =>
    `${isFirst ? "" : ","}\n${JSON.stringify({ path, label, predicted, decisionValues: values })}`,
  foot: "\n]\n",
};

/** Two classes have one machine, whose positive side is the first. */
function machinesOf(classes: readonly string[]): readonly string[] {
  return classes.length === 2 ? classes.slice(0, 1) : classes;
}

/** Text is gathered so far before it is written. */
const WRITTEN_CHARACTERS_MIN = 65_536;

async function writeWhole(
  file: string,
  work: (write: (text: string) => Promise<void>) => Promise<void>,
): Promise<void> {
  const unfinished = `${file}.unfinished`;
  try {
    await using handle = await open(unfinished, "w");
    let gathered = "";
    await work(async (text) => {
      gathered += text;
      if (gathered.length < WRITTEN_CHARACTERS_MIN) return;
      await handle.write(gathered);
      gathered = "";
    });
    await handle.write(gathered);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
  await rename(unfinished, file);
}
