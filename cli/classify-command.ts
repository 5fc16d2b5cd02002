import { resolve } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { classifyTable } from "#analysis/classify/classify-table.ts";
import type { PathSplit } from "#analysis/classify/path-split.ts";
import { type Predictions, predictTable } from "#analysis/classify/predict-table.ts";
import { classificationFacts, describeClassification } from "#analysis/classify/report.ts";
import { type TaskFlags, taskOf } from "#analysis/classify/task.ts";
import { readWeights } from "#analysis/classify/weights-file.ts";
import { LIVE_RUN } from "#lib/messages/messages.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { makeOutputFolder } from "#lib/runtime/output-folder.ts";
import { openNamedTable, TABLE_PLACES } from "#ops/table/open-named-table.ts";
import { cliDeps } from "./cli-deps.ts";
import { type OutputFlags, print, printJson, withJson } from "./output.ts";
import { wholeNumberOption } from "./whole-number-option.ts";

const COUNT_MAX = 100_000;
const TRAIN_SHARE = 0.7;

/** `fruitstream classify [train]|predict`: how well a linear classifier tells labels apart by their vectors. */
export function classifyCommand(): Command {
  const classify = new Command("classify").description("train linear SVMs on the table's vectors, and predict by them");
  withJson(classify.command("train", { isDefault: true }))
    .description("measure how well linear SVMs tell labels apart; `classify` alone does the same")
    .option("--model <id>", "a model's id as `table show` prints it, or its name; the table's only one by default")
    .option("--table <place>", TABLE_PLACES)
    .option("--run <name>", "live, or the name of a replay", LIVE_RUN)
    .option("--classes <labels...>", "tell these labels apart")
    .option("--one-vs-all <label>", "tell this label from all others")
    .option("--all", "tell all labels apart")
    .option("--pairs <count>", "the mean over so many pairs of labels, drawn by the seed", countOf)
    .option("--one-vs-all-sample <count>", "the mean over so many labels, each against all others", countOf)
    .option(
      "--train <share>",
      `the part of each label's rows to train on, the others test; ${TRAIN_SHARE} by default`,
      shareOf,
    )
    .option("--train-prefix <folder>", "train on the photos in this folder of the table's photos, as Training")
    .option(
      "--test-prefix <folder>",
      "test with the photos in this folder; one prefix alone leaves the rest to the other",
    )
    .option("--cost <number>", "C, the price of a margin that is missed", costOf, 1)
    .option("--iterations <count>", "how often the solver goes over the training rows at most", countOf, 100)
    .option("--seed <number>", "of the split, the solver and what is drawn", wholeNumberOption(0, 2 ** 32 - 1), 20)
    .addOption(
      new Option("--features <column>", "what to classify by")
        .choices(["features", "pca_features"])
        .default("features"),
    )
    .option("--learning-curve", "accuracy against the number of training rows", false)
    .option("--out <folder>", "write weights, scores, matrix and curve here")
    .action(runTrain);
  withJson(classify.command("predict"))
    .description("predict the class of every row by weights that `classify --out` has written")
    .requiredOption("--weights <file>", "weights.json of a classification")
    .requiredOption("--out <file>", "path, label, class and decision values of each row, as .csv or .json")
    .option("--table <place>", TABLE_PLACES)
    .option("--run <name>", "live, or the name of a replay", LIVE_RUN)
    .action(runPredict);
  return classify;
}

interface TrainFlags extends TaskFlags, OutputFlags {
  readonly model?: string;
  readonly table?: string;
  readonly run: string;
  readonly train?: number;
  readonly trainPrefix?: string;
  readonly testPrefix?: string;
  readonly cost: number;
  readonly iterations: number;
  readonly seed: number;
  readonly features: "features" | "pca_features";
  readonly learningCurve: boolean;
  readonly out?: string;
}

async function runTrain(flags: TrainFlags): Promise<void> {
  const { model, run, features, learningCurve, cost, seed, out } = flags;
  const folder = out === undefined ? undefined : resolve(out);
  const request = {
    model,
    run,
    features,
    learningCurve,
    task: taskOf(flags),
    options: { trainShare: flags.train ?? TRAIN_SHARE, cost, passesMax: flags.iterations, seed },
    split: splitOf(flags),
    folder,
  };
  if (folder !== undefined) await makeOutputFolder(folder, "--out");
  await using table = await openNamedTable(flags.table, cliDeps);
  const classification = await classifyTable(table, request);
  if (flags.json) printJson(classificationFacts(classification));
  else print(describeClassification(classification));
}

function splitOf({ train, trainPrefix, testPrefix }: TrainFlags): PathSplit | undefined {
  if (trainPrefix === undefined && testPrefix === undefined) return undefined;
  if (train === undefined) return { trainPrefix, testPrefix };
  throw new FruitstreamError(
    "usage",
    "--train divides each label, --train-prefix and --test-prefix by folder: choose one",
  );
}

interface PredictFlags extends OutputFlags {
  readonly weights: string;
  readonly out: string;
  readonly table?: string;
  readonly run: string;
}

async function runPredict({ weights, out, table, run, json }: PredictFlags): Promise<void> {
  const request = { run, weights: await readWeights(resolve(weights)), file: resolve(out) };
  await using opened = await openNamedTable(table, cliDeps);
  const predictions = await predictTable(opened, request);
  if (json) printJson(predictions);
  else printPredictions(predictions);
}

function printPredictions({ table, version, model, run, rows, predicted, known, file }: Predictions): void {
  print(`${table} version ${version}, model ${model}, run ${run}: ${rows} rows predicted`);
  for (const [name, count] of Object.entries(predicted)) print(`  ${name}: ${count}`);
  if (known.rows > 0) {
    const share = ((100 * known.right) / known.rows).toFixed(2);
    print(`${known.right} of ${known.rows} rows with such a label are predicted as labelled (${share} %)`);
  }
  print(`written to ${file}`);
}

function countOf(text: string): number {
  return wholeNumberOption(1, COUNT_MAX)(text);
}

function shareOf(text: string): number {
  const value = Number(text);
  if (value > 0 && value < 1) return value;
  throw new InvalidArgumentError("must be above 0 and below 1");
}

function costOf(text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 1e6) return value;
  throw new InvalidArgumentError("must be above 0 and at most 1000000");
}
