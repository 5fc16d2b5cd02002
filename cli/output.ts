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

/** Facts of which there may be a million: printed as they come, as the list of one JSON object. */
export class JsonList {
  #isFirst = true;

  /** @param key the list's. */
  constructor(key: string) {
    process.stdout.write(`{${JSON.stringify(key)}:[`);
  }

  add(item: object): void {
    process.stdout.write(`${this.#isFirst ? "" : ","}${JSON.stringify(item)}`);
    this.#isFirst = false;
  }

  /** @param others the object's other keys. */
  end(others: object): void {
    process.stdout.write(`],${JSON.stringify(others).slice(1)}\n`);
  }
}
