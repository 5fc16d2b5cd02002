import { resolve } from "node:path";
import { Command } from "commander";
import { runDemo } from "#demo/run-demo.ts";
import { demoFacts, describeDemo } from "#demo/summary.ts";
import { findModelFolder } from "#lib/model/model-places.ts";
import { systemClock } from "#lib/runtime/clock.ts";
import { cliDeps } from "./cli-deps.ts";
import { EXIT } from "./exit-code.ts";
import { interruptible } from "./interruption.ts";
import { type OutputFlags, print, printJson, withJson } from "./output.ts";
import { StatusLine } from "./status-line.ts";
import { wholeNumberOption } from "./whole-number-option.ts";

/** `fruitstream demo`: the whole pipeline over a folder of photos or drawn ones, on the local stack or the one the environment names. */
export function demoCommand(): Command {
  return withJson(new Command("demo"))
    .description("run photos through the whole pipeline and show the table")
    .option("--photos <folder>", "photos to take; the parent folder is the label (default: synthetic ones are drawn)")
    .option("--count <n>", "synthetic photos to draw", wholeNumberOption(1, 100_000), 600)
    .option("--model <folder>", "model folder, or the name of a model that comes with the project", "fruitnet")
    .option("--featurizers <n>", "featurizer processes", wholeNumberOption(1, 64), 1)
    .option("--reducers <n>", "reducer processes", wholeNumberOption(1, 64), 1)
    .option("--partitions <n>", "partitions of each topic", wholeNumberOption(1, 1_000), 4)
    .option("--k <n>", "principal components", wholeNumberOption(1, 60), 8)
    .option("--export <folder>", "where to put a copy of the table; demo-output/<id>/table by default")
    .option("--embedded", "run everything in this process, over a folder instead of Kafka and S3", false)
    .action(runDemoCommand);
}

interface DemoFlags extends OutputFlags {
  readonly photos?: string;
  readonly count: number;
  readonly model: string;
  readonly featurizers: number;
  readonly reducers: number;
  readonly partitions: number;
  readonly k: number;
  readonly export?: string;
  readonly embedded: boolean;
}

async function runDemoCommand(flags: DemoFlags): Promise<void> {
  const { featurizers, reducers, partitions, embedded } = flags;
  const demo = {
    photos: flags.photos === undefined ? { syntheticCount: flags.count } : resolve(flags.photos),
    model: resolve(findModelFolder(flags.model)),
    featurizers,
    reducers,
    partitions,
    components: flags.k,
    embedded,
    outputFolder: resolve("demo-output"),
    exportFolder: flags.export === undefined ? undefined : resolve(flags.export),
  };
  const line = new StatusLine(systemClock);
  const result = await interruptible((signal) => {
    signal.addEventListener("abort", () => line.note("stopping what was started; Ctrl-C again ends the demo at once"));
    const note = (text: string) => line.note(text);
    return runDemo(demo, { ...cliDeps, note, onProgress: (text) => line.show(text), signal });
  }).finally(() => line.end(""));
  if (!result) return;
  if (flags.json) printJson(demoFacts(result));
  else print(describeDemo(result, process.cwd()));
  if (result.failed > 0) process.exitCode = EXIT.failed;
  else if (result.deadLetters.length > 0) process.exitCode = EXIT.deadLetters;
}
