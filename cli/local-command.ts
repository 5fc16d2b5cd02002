import { relative, resolve } from "node:path";
import { Command } from "commander";
import { findModelFolder } from "#lib/model/model-places.ts";
import { type LocalResult, runLocal } from "#ops/local/run-local.ts";
import { interruptible } from "./interruption.ts";
import { wholeNumberOption } from "./whole-number-option.ts";

/** Dead letters that are shown; the log file has them all. */
const LETTERS_SHOWN_MAX = 20;

/** `fruitstream local`: a folder of photos to a table on this machine, without servers. */
export function localCommand(): Command {
  return new Command("local")
    .description("turn a folder of photos into a table in a folder; run again, it adds what is new")
    .requiredOption("--photos <folder>", "photos, read where they lie; the parent folder is the label")
    .requiredOption("--out <folder>", "gets the table, in the folder table, and what a later run needs to go on")
    .option("--model <folder>", "model folder, or the name of a model that comes with the project", "fruitnet")
    .option("--k <n>", "principal components", wholeNumberOption(1, 60), 8)
    .option("--json", "end with one line of JSON", false)
    .action(async (options) => {
      const local = {
        photos: resolve(options.photos),
        out: resolve(options.out),
        model: resolve(findModelFolder(options.model)),
        components: options.k,
      };
      const result = await interruptible((signal) => runLocal(local, signal));
      if (!result) return void process.stderr.write("to go on, run the same command again\n");
      printResult(result);
      if (options.json) printJson(result);
    });
}

function printResult(result: LocalResult): void {
  const { announced, known, skipped, leftOver, rowsAdded, rows, deadLetters, seconds, tableFolder } = result;
  const folder = relative(process.cwd(), tableFolder) || ".";
  const notes = [
    ...(known > 0 ? [`${known} known`] : []),
    ...(leftOver > 0 ? [`${leftOver} left over from an earlier run`] : []),
    ...(skipped > 0 ? [`${skipped} other files passed over`] : []),
  ];
  console.log(`
photos        ${[`${announced} new`, ...notes].join(", ")}
rows          ${rowsAdded} added, ${rows} in the table
dead letters  ${deadLetters.length}
time          ${seconds.toFixed(1)} s
table         ${folder}, version ${result.tableVersion}
log           ${relative(process.cwd(), result.logPath)}`);
  for (const { reason, uri, detail } of deadLetters.slice(0, LETTERS_SHOWN_MAX)) {
    console.log(`  ${reason.padEnd(18)} ${uri ?? "?"}: ${detail}`);
  }
  if (deadLetters.length > LETTERS_SHOWN_MAX) {
    console.log(`  and ${deadLetters.length - LETTERS_SHOWN_MAX} more, see the log`);
  }
}

function printJson({ deadLetters, ...result }: LocalResult): void {
  console.log(JSON.stringify({ ...result, deadLetters: deadLetters.length }));
}
