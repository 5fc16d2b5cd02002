import { resolve } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { runDemo } from "#demo/run-demo.ts";
import { printJson, printSummary } from "#demo/summary.ts";
import { findModelFolder } from "#lib/model/model-places.ts";
import { interruptible } from "./interruption.ts";

/** `fruitstream demo`: the whole pipeline over a folder of photos or drawn ones, on the local stack or the one the environment names. */
export function demoCommand(): Command {
  return new Command("demo")
    .description("run photos through the whole pipeline and show the table")
    .option("--photos <folder>", "photos to upload; the parent folder is the label (default: synthetic ones are drawn)")
    .option("--count <n>", "synthetic photos to draw", wholeNumber(1, 100_000), 600)
    .option("--model <folder>", "model folder, or the name of a model that comes with the project", "fruitnet")
    .option("--featurizers <n>", "featurizer processes", wholeNumber(1, 64), 1)
    .option("--reducers <n>", "reducer processes", wholeNumber(1, 64), 1)
    .option("--partitions <n>", "partitions of each topic", wholeNumber(1, 1_000), 4)
    .option("--k <n>", "principal components", wholeNumber(1, 60), 8)
    .option("--export <folder>", "where to put a copy of the table; demo-output/<id>/table by default")
    .option("--embedded", "run everything in this process, over a folder instead of Kafka and S3", false)
    .option("--json", "end with one line of JSON", false)
    .action(async (options) => {
      const demo = {
        photos: options.photos === undefined ? { syntheticCount: options.count } : resolve(options.photos),
        model: resolve(findModelFolder(options.model)),
        featurizers: options.featurizers,
        reducers: options.reducers,
        partitions: options.partitions,
        components: options.k,
        embedded: options.embedded,
        outputFolder: resolve("demo-output"),
        exportFolder: options.export && resolve(options.export),
      };
      const result = await interruptible((signal) => runDemo(demo, signal));
      if (!result) return;
      printSummary(result);
      if (options.json) printJson(result);
    });
}

function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`must be a whole number from ${min} to ${max}`);
  };
}
