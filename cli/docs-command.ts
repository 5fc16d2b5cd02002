import { Command } from "commander";
import { describeCommands } from "./command-reference.ts";
import { describeMetricsPage } from "./metrics-reference.ts";

/** `fruitstream docs`, hidden: the documents that are generated from the code, for whoever changes it. */
export function docsCommand(): Command {
  const docs = new Command("docs").description("print the documents that are generated from the code, as Markdown");
  docs
    .command("cli")
    .description("docs/cli.md, from the commands")
    .action((_options, command: Command) => void process.stdout.write(describeCommands(rootOf(command))));
  docs
    .command("metrics")
    .description("docs/metrics.md, from the metrics")
    .action(async () => void process.stdout.write(await describeMetricsPage()));
  return docs;
}

function rootOf(command: Command): Command {
  return command.parent ? rootOf(command.parent) : command;
}
