import type { Command } from "commander";

/**
 * What a command says, by the one rule of all commands: facts go to standard output, everything else to standard error.
 * With `--json` the facts are one line of JSON and nothing else is on standard output.
 */
export interface OutputFlags {
  readonly json: boolean;
}

/** Adds the option that every command has which prints facts. */
export function withJson(command: Command): Command {
  return command.option("--json", "print the facts as one line of JSON, alone on standard output", false);
}

/** Prints facts as one line of JSON. */
export function printJson(facts: object): void {
  process.stdout.write(`${JSON.stringify(facts)}\n`);
}

/** Prints facts as a person reads them. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** A line for the person at the terminal, that is no fact: progress, hints, warnings. */
export function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}
