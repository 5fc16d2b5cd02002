import { constants } from "node:os";
import { type Command, CommanderError } from "commander";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { EXIT } from "./exit-code.ts";
import { describeSystemError } from "./system-error.ts";

/**
 * Runs the command that the arguments name, and sets the process's exit code. Whatever goes wrong is one sentence on
 * standard error; only what nobody foresaw comes with its trace.
 */
export async function runProgram(program: Command): Promise<void> {
  throwUsageErrors(program);
  endQuietlyWithReader();
  // A stream that nobody listens to throws here, as that of a log file on a full disk.
  process.on("uncaughtException", (error) => {
    report(error);
    process.exit();
  });
  try {
    await program.parseAsync();
  } catch (error) {
    report(error);
  }
}

/** What a person reads of something that was thrown, and the exit code that programs read. */
export function describeFailure(error: unknown): { text: string | undefined; exitCode: number } {
  if (error instanceof CommanderError) {
    // Commander has said what there is to say.
    return { text: undefined, exitCode: error.exitCode === 0 ? EXIT.done : EXIT.usage };
  }
  if (error instanceof FruitstreamError) {
    const exitCode = error.code === "usage" ? EXIT.usage : EXIT.failed;
    return { text: `fruitstream: ${error.message}`, exitCode };
  }
  const sentence = describeSystemError(error);
  if (sentence !== undefined) return { text: `fruitstream: ${sentence}`, exitCode: EXIT.failed };
  return { text: error instanceof Error ? (error.stack ?? error.message) : String(error), exitCode: EXIT.failed };
}

function report(error: unknown): void {
  const { text, exitCode } = describeFailure(error);
  if (text !== undefined) process.stderr.write(`${text}\n`);
  process.exitCode = exitCode;
}

/** Commander ends the process by itself unless it is told not to, one command after the other. */
function throwUsageErrors(command: Command): void {
  command.exitOverride();
  for (const child of command.commands) throwUsageErrors(child);
}

/** `table show | head -1`: whoever read has had enough. The exit code is what shells report of a broken pipe. */
function endQuietlyWithReader(): void {
  for (const output of [process.stdout, process.stderr]) {
    output.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
      process.exit(128 + constants.signals.SIGPIPE);
    });
  }
}
