#!/usr/bin/env -S node --disable-warning=TimeoutNegativeWarning
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { fruitstreamProgram } from "./program.ts";

try {
  await fruitstreamProgram().parseAsync();
} catch (error) {
  // Our own errors are sentences for the person at the terminal; anything else is a bug and comes with its trace.
  process.stderr.write(`${error instanceof FruitstreamError ? `fruitstream: ${error.message}` : inspect(error)}\n`);
  process.exitCode = 1;
}

function inspect(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
