import { Command } from "commander";
import { describeCommands } from "./command-reference.ts";

/** `fruitstream docs`, hidden: the documents that are generated from the code, for whoever changes it. */
export function docsCommand(): Command {
  const docs = new Command("docs").description("print the documents that are generated from the code, as Markdown");
  docs
    .command("cli")
    .description("docs/cli.md, from the commands")
    .action((_options, command: Command) => void process.stdout.write(describeCommands(rootOf(command))));
  return docs;
}

function rootOf(command: Command): Command {
  return command.parent ? rootOf(command.parent) : command;
}
