import { resolve } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { classifyTable } from "#analysis/classify/classify-table.ts";
import { type TaskFlags, taskOf } from "#analysis/classify/task.ts";
import { LIVE_RUN } from "#lib/messages/messages.ts";
import { openNamedTable, TABLE_PLACES } from "#ops/table/open-named-table.ts";
import { cliDeps } from "./cli-deps.ts";

/** `fruitstream classify`: how well a linear classifier tells labels apart by their vectors. */
export function classifyCommand(): Command {
  return new Command("classify")
    .description("train linear SVMs on the table's vectors and measure how well they tell labels apart")
    .requiredOption("--model <id>", "a model's id as `table show` prints it, or its name alone")
    .option("--table <place>", TABLE_PLACES)
    .option("--run <name>", "live, or the name of a replay", LIVE_RUN)
    .option("--classes <labels...>", "tell these labels apart")
    .option("--one-vs-all <label>", "tell this label from all others")
    .option("--all", "tell all labels apart")
    .option("--pairs <count>", "the mean over so many pairs of labels, drawn by the seed", countOf)
    .option("--one-vs-all-sample <count>", "the mean over so many labels, each against all others", countOf)
    .option("--train <share>", "the part of each label's rows to train on; the others are for the test", shareOf, 0.7)
    .option("--iterations <count>", "how often the solver goes over the training rows at most", countOf, 100)
    .option("--seed <number>", "of the split, the solver and what is drawn", seedOf, 20)
    .addOption(
      new Option("--features <column>", "what to classify by")
        .choices(["features", "pca_features"])
        .default("features"),
    )
    .option("--learning-curve", "accuracy against the number of training rows", false)
    .option("--out <folder>", "write weights, scores, matrix and curve here")
    .action(runClassify);
}

interface ClassifyFlags extends TaskFlags {
  readonly model: string;
  readonly table?: string;
  readonly run: string;
  readonly train: number;
  readonly iterations: number;
  readonly seed: number;
  readonly features: "features" | "pca_features";
  readonly learningCurve: boolean;
  readonly out?: string;
}

async function runClassify(flags: ClassifyFlags): Promise<void> {
  const { model, run, features, learningCurve, out } = flags;
  const request = {
    model,
    run,
    features,
    learningCurve,
    task: taskOf(flags),
    options: { trainShare: flags.train, passesMax: flags.iterations, seed: flags.seed },
    folder: out === undefined ? undefined : resolve(out),
  };
  await using table = await openNamedTable(flags.table, cliDeps);
  await classifyTable(table, request, console.log);
}

const COUNT_MAX = 100_000;

function countOf(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= COUNT_MAX) return value;
  throw new InvalidArgumentError(`must be a whole number of 1 to ${COUNT_MAX}`);
}

function shareOf(text: string): number {
  const value = Number(text);
  if (value > 0 && value < 1) return value;
  throw new InvalidArgumentError("must be above 0 and below 1");
}

function seedOf(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isInteger(value) && value >= 0 && value < 2 ** 32) return value;
  throw new InvalidArgumentError("must be a whole number of 0 to 4294967295");
}
