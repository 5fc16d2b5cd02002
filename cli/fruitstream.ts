#!/usr/bin/env -S node --disable-warning=TimeoutNegativeWarning
import { Command } from "commander";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { classifyCommand } from "./classify-command.ts";
import { configCommand } from "./config-command.ts";
import { deadLettersCommand } from "./dead-letters-command.ts";
import { demoCommand } from "./demo-command.ts";
import { flushCommand } from "./flush-command.ts";
import { ingestCommand } from "./ingest-command.ts";
import { localCommand } from "./local-command.ts";
import { modelsCommand } from "./models-command.ts";
import { plotCommand } from "./plot-command.ts";
import { replayCommand } from "./replay-command.ts";
import { sampleCommand } from "./sample-command.ts";
import { stackCommand } from "./stack-command.ts";
import { tableCommand } from "./table-command.ts";

const program = new Command("fruitstream")
  .description("photos on S3 to features, exact streaming PCA and an atomic Parquet table, over Kafka")
  .addCommand(demoCommand())
  .addCommand(localCommand())
  .addCommand(stackCommand())
  .addCommand(ingestCommand())
  .addCommand(tableCommand())
  .addCommand(flushCommand())
  .addCommand(replayCommand())
  .addCommand(deadLettersCommand())
  .addCommand(classifyCommand())
  .addCommand(plotCommand())
  .addCommand(sampleCommand())
  .addCommand(modelsCommand())
  .addCommand(configCommand());

try {
  await program.parseAsync();
} catch (error) {
  // Our own errors are sentences for the person at the terminal; anything else is a bug and comes with its trace.
  process.stderr.write(`${error instanceof FruitstreamError ? `fruitstream: ${error.message}` : inspect(error)}\n`);
  process.exitCode = 1;
}

function inspect(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
