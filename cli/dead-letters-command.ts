import { Command } from "commander";
import { systemClock } from "#lib/runtime/clock.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { type LetterFlags, letterTest } from "#ops/dead-letters/letter-filter.ts";
import { formatLetter, formatLine, type PlacedLetter, parseLetterPosition } from "#ops/dead-letters/placed-letter.ts";
import { readLetter, readLetters } from "#ops/dead-letters/read-letters.ts";
import { LetterSettler } from "#ops/dead-letters/settle-letters.ts";
import { type PipelineAccess, withPipelineAccess } from "#ops/pipeline/pipeline-access.ts";
import { cliDeps } from "./cli-deps.ts";
import { interruptible } from "./interruption.ts";
import { tell } from "./output.ts";

/** `fruitstream dead-letters list|show|retry|drop`: what could not be featurized, and what is to become of it. */
export function deadLettersCommand(): Command {
  const command = new Command("dead-letters").description("look at what could not be featurized, and settle it");
  filtered(command.command("list"))
    .description("open letters, one a line, and how many there are of each reason")
    .option("--all", "settled letters too", false)
    .action((flags: ListFlags) => withAccess((access) => list(access, flags)));
  command
    .command("show")
    .description("everything about one letter")
    .argument("<position>", "as list shows it: partition:offset")
    .action((position: string) => withAccess((access) => show(access, position)));
  filtered(command.command("retry"))
    .description("put the original records back on their topic, where they arrive anew, and mark the letters")
    .argument("[positions...]", "as list shows them; without any, all open letters that the filters admit")
    .action((positions: string[], flags: LetterFlags) =>
      withAccess((access, signal) => settle(access, "retry", positions, flags, signal)),
    );
  filtered(command.command("drop"))
    .description("mark letters as not worth another try")
    .argument("[positions...]", "as list shows them; without any, all open letters that the filters admit")
    .action((positions: string[], flags: LetterFlags) =>
      withAccess((access, signal) => settle(access, "drop", positions, flags, signal)),
    );
  return command;
}

interface ListFlags extends LetterFlags {
  readonly all: boolean;
}

function filtered(command: Command): Command {
  return command
    .option("--reason <reason>", "as not-found or corrupt-image")
    .option("--since <time>", "failed at this ISO time or later")
    .option("--until <time>", "failed before this ISO time")
    .option("--prefix <text>", "the photo's s3:// URI or key begins so")
    .option("--run <name>", "live, or the name of a replay");
}

async function withAccess(work: (access: PipelineAccess, signal: AbortSignal) => Promise<void>): Promise<void> {
  await interruptible((signal) => withPipelineAccess("dead-letters", cliDeps, (access) => work(access, signal)));
}

async function list(access: PipelineAccess, flags: ListFlags): Promise<void> {
  const admits = letterTest(flags);
  const counts = new Map<string, number>();
  const unreadable = await readLetters(access, (placed, settled) => {
    if ((settled && !flags.all) || !admits(placed)) return;
    counts.set(placed.letter.reason, (counts.get(placed.letter.reason) ?? 0) + 1);
    console.log(formatLine(placed, settled));
  });
  const byReason = [...counts].sort(([, a], [, b]) => b - a).map(([reason, count]) => `${count} ${reason}`);
  tell(byReason.length === 0 ? "no dead letters" : byReason.join(", "));
  if (unreadable > 0) tell(`${unreadable} records of the topic are no letters; a later version may have written them`);
}

async function show(access: PipelineAccess, text: string): Promise<void> {
  const found = await readLetter(access, parseLetterPosition(text));
  if (!found) throw new FruitstreamError("usage", `no letter lies at ${text}; list shows where there are some`);
  console.log(formatLetter(found.placed, found.mark));
}

/** Goes through the open letters; Ctrl-C ends it after the letter in hand. */
async function settle(
  access: PipelineAccess,
  action: "retry" | "drop",
  positions: readonly string[],
  flags: LetterFlags,
  signal: AbortSignal,
): Promise<void> {
  if (positions.length === 0 && Object.keys(flags).length === 0) {
    throw new FruitstreamError("usage", `which letters? name positions, or a filter, as --run live; see --help`);
  }
  const admits = letterTest(flags, positions);
  await access.schemas.publish(access.producer);
  const settler = new LetterSettler(access.producer, access.topics, systemClock);
  const settleOne = (placed: PlacedLetter) => (action === "retry" ? settler.retry(placed) : settler.drop(placed));
  let [settled, refused] = [0, 0];
  try {
    await readLetters(access, async (placed, outcome) => {
      if (outcome || !admits(placed)) return;
      signal.throwIfAborted();
      const refusal = await settleOne(placed);
      if (refusal) {
        refused += 1;
        tell(`${formatLine(placed, undefined)}\n  not retried: ${refusal}`);
      } else settled += 1;
    });
  } finally {
    console.log(`${settled} letters ${action === "retry" ? "retried" : "dropped"}, ${refused} refused`);
  }
  if (refused > 0 || settled + refused < new Set(positions).size) process.exitCode = 1;
}
