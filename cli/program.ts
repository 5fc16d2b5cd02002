import { readFileSync } from "node:fs";
import { Command } from "commander";
import { classifyCommand } from "./classify-command.ts";
import { completionCommand } from "./completion-command.ts";
import { configCommand } from "./config-command.ts";
import { deadLettersCommand } from "./dead-letters-command.ts";
import { demoCommand } from "./demo-command.ts";
import { docsCommand } from "./docs-command.ts";
import { flushCommand } from "./flush-command.ts";
import { forgetCommand } from "./forget-command.ts";
import { ingestCommand } from "./ingest-command.ts";
import { localCommand } from "./local-command.ts";
import { modelsCommand } from "./models-command.ts";
import { plotCommand } from "./plot-command.ts";
import { replayCommand } from "./replay-command.ts";
import { sampleCommand } from "./sample-command.ts";
import { featurizerCommand, maintainerCommand, reducerCommand } from "./service-commands.ts";
import { stackCommand } from "./stack-command.ts";
import { statusCommand } from "./status-command.ts";
import { tableCommand } from "./table-command.ts";
import { topicsCommand } from "./topics-command.ts";
import { upCommand } from "./up-command.ts";

/** Every command of `fruitstream`, in the order in which help shows them. */
export function fruitstreamProgram(): Command {
  return new Command("fruitstream")
    .version(projectVersion(), "-V, --version", "print the version")
    .description("photos on S3 to features, exact streaming PCA and an atomic Parquet table, over Kafka")
    .addCommand(demoCommand())
    .addCommand(localCommand())
    .addCommand(upCommand())
    .addCommand(statusCommand())
    .addCommand(stackCommand())
    .addCommand(ingestCommand())
    .addCommand(featurizerCommand())
    .addCommand(reducerCommand())
    .addCommand(maintainerCommand())
    .addCommand(tableCommand())
    .addCommand(topicsCommand())
    .addCommand(flushCommand())
    .addCommand(replayCommand())
    .addCommand(deadLettersCommand())
    .addCommand(forgetCommand())
    .addCommand(classifyCommand())
    .addCommand(plotCommand())
    .addCommand(sampleCommand())
    .addCommand(modelsCommand())
    .addCommand(configCommand())
    .addCommand(completionCommand())
    .addCommand(docsCommand(), { hidden: true });
}

/** The manifest lies one folder up, in a checkout as in the package. */
function projectVersion(): string {
  const manifest = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(manifest) as { version: string }).version;
}
