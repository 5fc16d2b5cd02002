import { resolve } from "node:path";
import { Command } from "commander";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { findKnownLetters } from "#ops/dead-letters/known-letters.ts";
import { type LetterFlags, type LetterTest, letterTest } from "#ops/dead-letters/letter-filter.ts";
import { parseLetterPosition } from "#ops/dead-letters/placed-letter.ts";
import { readLetter, readLetters } from "#ops/dead-letters/read-letters.ts";
import { settleOpenLetters } from "#ops/dead-letters/settle-open-letters.ts";
import { withFolderAccess } from "#ops/pipeline/folder-access.ts";
import { type MessageAccess, withPipelineAccess } from "#ops/pipeline/pipeline-access.ts";
import { namedTableUri } from "#ops/services/find-table-uri.ts";
import { openNamedTable } from "#ops/table/open-named-table.ts";
import { cliDeps } from "./cli-deps.ts";
import { EXIT } from "./exit-code.ts";
import { formatLetter, formatLine, letterFacts, lineFacts } from "./format-letter.ts";
import { interruptible } from "./interruption.ts";
import { JsonList, type OutputFlags, print, printJson, tell, withJson } from "./output.ts";

/** `fruitstream dead-letters list|show|retry|drop`: what could not be featurized, and what is to become of it. */
export function deadLettersCommand(): Command {
  const command = new Command("dead-letters").description(
    "list, inspect, retry or drop photos that could not be processed",
  );
  filtered(placed(command.command("list")))
    .description("list open letters, one per line, with a count by reason")
    .option("--all", "include settled letters", false)
    .action((flags: ListFlags) => withAccess(flags, (access) => list(access, flags)));
  placed(command.command("show"))
    .description("print everything about one letter")
    .argument("<position>", "as list prints it: partition:offset")
    .action((position: string, flags: PlaceFlags) => withAccess(flags, (access) => show(access, position, flags)));
  filtered(placed(command.command("retry")))
    .description("append the original records to their topic again, and mark the letters as settled")
    .argument("[positions...]", "as list prints them; without any, all open letters that match the filters")
    .action((positions: string[], flags: SettleFlags) =>
      withAccess(flags, (access, signal) => settle(access, "retry", positions, flags, signal)),
    );
  filtered(placed(command.command("drop")))
    .description("mark letters as settled without a retry")
    .argument("[positions...]", "as list prints them; without any, all open letters that match the filters")
    .action((positions: string[], flags: SettleFlags) =>
      withAccess(flags, (access, signal) => settle(access, "drop", positions, flags, signal)),
    );
  return command;
}

/** Where the letters are: on Kafka, or in what `local` has left. */
interface PlaceFlags extends OutputFlags {
  readonly out?: string;
  readonly model?: string;
}

interface ListFlags extends PlaceFlags, LetterFlags {
  readonly all: boolean;
}

interface SettleFlags extends PlaceFlags, LetterFlags {}

function placed(command: Command): Command {
  return withJson(command)
    .option("--out <folder>", "the letters of `local`, in its output folder, instead of those on Kafka")
    .option("--model <id>", "with --out: a model's id or name, where the folder has photos of several");
}

function filtered(command: Command): Command {
  return command
    .option("--reason <reason>", "only this reason, such as not-found or corrupt-image")
    .option("--since <time>", "only failures at this ISO time or later")
    .option("--until <time>", "only failures before this ISO time")
    .option("--prefix <text>", "only photos whose URI or key begins with this")
    .option("--run <name>", "live, or the name of a replay");
}

type Work = (access: MessageAccess, signal: AbortSignal) => Promise<void>;

async function withAccess({ out, model }: PlaceFlags, work: Work): Promise<void> {
  await interruptible((signal) => {
    if (out !== undefined) return withFolderAccess(resolve(out), model, (access) => work(access, signal));
    if (model !== undefined) throw new FruitstreamError("usage", "--model is for --out; on Kafka, filter by --run");
    return withPipelineAccess("dead-letters", cliDeps, (access) => work(access, signal));
  });
}

async function list(access: MessageAccess, flags: ListFlags): Promise<void> {
  const admits = letterTest(flags);
  const reasons: Record<string, number> = {};
  let deadLetters = 0;
  const json = flags.json ? new JsonList("letters") : undefined;
  const unreadable = await readLetters(access, (letter, settled) => {
    if ((settled && !flags.all) || !admits(letter)) return;
    const { reason } = letter.letter;
    reasons[reason] = (reasons[reason] ?? 0) + 1;
    deadLetters += 1;
    if (json) json.add(lineFacts(letter, settled));
    else print(formatLine(letter, settled));
  });
  json?.end({ deadLetters, reasons, unreadable });
  const byReason = Object.entries(reasons)
    .sort(([, a], [, b]) => b - a)
    .map(([reason, count]) => `${count} ${reason}`);
  tell(byReason.length === 0 ? "no dead letters" : byReason.join(", "));
  if (unreadable > 0) tell(`${unreadable} records of the topic are no letters; a later version may have written them`);
}

async function show(access: MessageAccess, text: string, { json }: OutputFlags): Promise<void> {
  const found = await readLetter(access, parseLetterPosition(text));
  if (!found) throw new FruitstreamError("usage", `no letter lies at ${text}; list shows where there are some`);
  if (json) printJson(letterFacts(found.placed, found.mark));
  else print(formatLetter(found.placed, found.mark));
}

/** Goes through the open letters; Ctrl-C ends it after the letter in hand. */
async function settle(
  access: MessageAccess,
  action: "retry" | "drop",
  positions: readonly string[],
  flags: SettleFlags,
  signal: AbortSignal,
): Promise<void> {
  const { json, out, model: _model, ...filters } = flags;
  if (positions.length === 0 && Object.keys(filters).length === 0) {
    throw new FruitstreamError("usage", `which letters? name positions, or a filter, as --run live; see --help`);
  }
  const admits = letterTest(filters, positions);
  const isKnown = action === "retry" ? await knownLetters(access, admits, out) : undefined;
  let [settled, refused, known] = [0, 0, 0];
  try {
    await settleOpenLetters(access, action, admits, signal, (letter, refusal) => {
      if (refusal === undefined) {
        settled += 1;
        known += Number(isKnown?.(letter) ?? false);
      } else {
        refused += 1;
        tell(`${formatLine(letter, undefined)}\n  not retried: ${refusal}`);
      }
    });
  } finally {
    const done = action === "retry" ? "retried" : "dropped";
    if (json) printJson({ [done]: settled, refused, ...(isKnown && { known }) });
    else print(`${settled} ${settled === 1 ? "letter" : "letters"} ${done}, ${refused} refused`);
    if (known > 0) tell(`${known} of their photos are in the table already, by another announcement: no row is added`);
  }
  if (refused > 0 || settled + refused < new Set(positions).size) process.exitCode = EXIT.failed;
}

/** Undefined where there is no table to look into: nobody has started a reducer, or told this command of the table. */
async function knownLetters(
  access: MessageAccess,
  admits: LetterTest,
  out: string | undefined,
): Promise<LetterTest | undefined> {
  const place = out ?? (await namedTableUri(undefined, cliDeps));
  if (place === undefined) return undefined;
  try {
    await using opened = await openNamedTable(place, cliDeps);
    return await findKnownLetters(access, opened.table, admits);
  } catch (error) {
    // Letters can be retried without it.
    tell(`could not look up which photos the table has already: ${String(error)}`);
    return undefined;
  }
}
