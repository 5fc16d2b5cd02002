import { relative, resolve } from "node:path";
import { Command, Option } from "commander";
import { findModelFolder } from "#lib/model/model-places.ts";
import { systemClock } from "#lib/runtime/clock.ts";
import { PARTITION_STEPS, type Partitioning } from "#lib/table/partitioning.ts";
import { type LocalProgress, type LocalResult, runLocal } from "#ops/local/run-local.ts";
import { VECTOR_VALUES_MAX } from "#services/reducer/known-models.ts";
import { cliDeps } from "./cli-deps.ts";
import { EXIT } from "./exit-code.ts";
import { formatSkipped } from "./format-progress.ts";
import { interruptible } from "./interruption.ts";
import { type OutputFlags, print, printJson, tell, withJson } from "./output.ts";
import { StatusLine } from "./status-line.ts";
import { wholeNumberOption } from "./whole-number-option.ts";

/** Dead letters that are shown; the log file has them all. */
const LETTERS_SHOWN_MAX = 20;
/** A model's own number of values is the limit that is told. */
const COMPONENTS_MAX = VECTOR_VALUES_MAX;

/** `fruitstream local`: a folder of photos to a table on this machine, without servers. */
export function localCommand(): Command {
  return withJson(new Command("local"))
    .description("turn a folder of photos into a table in a folder; run again, it adds what is new")
    .requiredOption("--photos <folder>", "photos, read where they lie; the parent folder is the label")
    .requiredOption("--out <folder>", "gets the table, in the folder table, and what a later run needs to go on")
    .option("--model <folder>", "model folder, or the name of a model that comes with the project", "fruitnet")
    .option("--k <n>", "principal components", wholeNumberOption(1, COMPONENTS_MAX), 8)
    .addOption(
      new Option(
        "--partition-by <step>",
        "how finely the partitions of a new table follow the time at which photos are announced (default: day)",
      ).choices(PARTITION_STEPS),
    )
    .action(runLocalCommand);
}

interface LocalFlags extends OutputFlags {
  readonly photos: string;
  readonly out: string;
  readonly model: string;
  readonly k: number;
  readonly partitionBy?: Partitioning["by"];
}

async function runLocalCommand({ photos, out, model, k, partitionBy, json }: LocalFlags): Promise<void> {
  const local = {
    photos: resolve(photos),
    out: resolve(out),
    model: resolve(findModelFolder(model)),
    components: k,
    ...(partitionBy && { partitioning: { by: partitionBy } }),
  };
  const line = new StatusLine(systemClock);
  const result = await interruptible((signal) => {
    signal.addEventListener("abort", () => line.note("finishing what is under way; Ctrl-C again ends it at once"));
    const onProgress = (progress: LocalProgress) => line.show(() => describeProgress(progress));
    const note = (text: string) => line.note(text);
    return runLocal(local, { ...cliDeps, note, signal, onProgress });
  }).finally(() => line.end(""));
  if (!result) return tell("to go on, run the same command again");
  if (json) printJson(factsOf(result));
  else printResult(result);
  if (result.failed > 0) process.exitCode = EXIT.failed;
  else if (result.deadLettersOpen > 0) process.exitCode = EXIT.deadLetters;
}

function describeProgress(progress: LocalProgress): string {
  if (progress.step === "announcing") return `${progress.announced} new photos, ${progress.known} known ones`;
  if (progress.step === "projecting")
    return `${progress.filesWritten}/${progress.files} files projected onto the basis of all rows`;
  const { photos, featurized, rows, elapsedMs } = progress;
  const perSecond = (1_000 * featurized) / elapsedMs;
  return `${featurized}/${photos} photos featurized  ${perSecond.toFixed(0)}/s  ${rows} rows in the table`;
}

function printResult(result: LocalResult): void {
  const { announced, known, skipped, skippedByKind, failed, leftOver } = result;
  const { rowsAdded, rows, deadLetters, deadLettersOpen, seconds } = result;
  const folder = relative(process.cwd(), result.tableFolder) || ".";
  const notes = [
    ...(known > 0 ? [`${known} known`] : []),
    ...(failed > 0 ? [`${failed} not taken`] : []),
    ...(leftOver > 0 ? [`${leftOver} left over from an earlier run`] : []),
  ];
  print(`
photos        ${[`${announced} new`, ...notes].join(", ")}${skipped > 0 ? `\nskipped       ${formatSkipped(skippedByKind)}` : ""}
rows          ${rowsAdded} added, ${rows} in the table
dead letters  ${deadLetters.length} added, ${deadLettersOpen} open in all
time          ${seconds.toFixed(1)} s
table         ${folder}, version ${result.tableVersion}
log           ${relative(process.cwd(), result.logPath)}`);
  for (const { reason, uri, detail } of deadLetters.slice(0, LETTERS_SHOWN_MAX)) {
    print(`  ${reason.padEnd(18)} ${uri ?? "?"}: ${detail}`);
  }
  if (deadLetters.length > LETTERS_SHOWN_MAX)
    print(`  and ${deadLetters.length - LETTERS_SHOWN_MAX} more, see the log`);
}

/** `rows` and `deadLetters` are of the table, whoever added them; `rowsAdded` and `deadLettersAdded` of this run. */
function factsOf({ tableFolder, tableVersion, logPath, deadLetters, deadLettersOpen, ...counts }: LocalResult) {
  return {
    table: tableFolder,
    version: tableVersion,
    ...counts,
    deadLetters: deadLettersOpen,
    deadLettersAdded: deadLetters.length,
    log: logPath,
  };
}
