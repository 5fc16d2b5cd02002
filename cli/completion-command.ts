import { Argument, Command } from "commander";
import { completionScript, SHELLS, type Shell } from "./completion-script.ts";
import { print } from "./output.ts";

/** `fruitstream completion bash|zsh|fish`: what a shell needs to complete the other commands. */
export function completionCommand(): Command {
  return new Command("completion")
    .description('print completion for a shell, as in ~/.bashrc: eval "$(fruitstream completion bash)"')
    .addArgument(new Argument("<shell>", "the shell that is to complete").choices(SHELLS))
    .action((shell: Shell, _flags, command: Command) => print(completionScript(rootOf(command), shell).trimEnd()));
}

function rootOf(command: Command): Command {
  return command.parent ? rootOf(command.parent) : command;
}
