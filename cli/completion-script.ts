import type { Command, Help, Option } from "commander";

/** The shells for which there is completion. */
export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

/**
 * A script that completes commands, options and the choices of options, generated from the commands themselves. Where
 * nothing of these fits, the shell completes file names.
 */
export function completionScript(program: Command, shell: Shell): string {
  const nodes = nodesOf(program, program.createHelp());
  return { bash: bashScript, zsh: zshScript, fish: fishScript }[shell](program.name(), nodes);
}

/** What may come next after a command's words. */
interface CompletionNode {
  /** As `table show`; empty for the program itself. */
  readonly path: string;
  readonly commands: readonly Word[];
  readonly options: readonly (Word & { readonly takesValue: boolean; readonly choices: readonly string[] })[];
}

interface Word {
  readonly word: string;
  readonly description: string;
}

function nodesOf(command: Command, help: Help, path: readonly string[] = []): CompletionNode[] {
  const children = help.visibleCommands(command);
  const node: CompletionNode = {
    path: path.join(" "),
    commands: children.map((child) => ({ word: child.name(), description: child.description() })),
    options: help.visibleOptions(command).flatMap(optionWord),
  };
  const below = children
    .filter((child) => child.name() !== "help")
    .map((child) => nodesOf(child, help, [...path, child.name()]));
  return [node, ...below.flat()];
}

function optionWord({ long, description, required, optional, argChoices = [] }: Option) {
  if (!long) return [];
  return [{ word: long, description, takesValue: required || optional, choices: argChoices }];
}

function bashScript(name: string, nodes: readonly CompletionNode[]): string {
  const words = nodes.map(({ path, commands, options }) => {
    const all = [...commands, ...options].map(({ word }) => word);
    return `    ${quoted(path)}) offered=${quoted(all.join(" "))} ;;`;
  });
  const values = nodes.flatMap(({ path, options }) =>
    options
      .filter(({ takesValue }) => takesValue)
      .map(({ word, choices }) => `    ${quoted(`${path} ${word}`)}) values=${quoted(choices.join(" "))}; takes=1 ;;`),
  );
  return `# bash completion for ${name}: eval "$(${name} completion bash)"
_${name}() {
  [ -z "\${ZSH_VERSION-}" ] || emulate -L ksh
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" at="" offered="" values="" takes="" index
  for ((index = 1; index < COMP_CWORD; index++)); do
    case "\${at:+$at }\${COMP_WORDS[index]}" in
      ${nodes
        .filter(({ path }) => path !== "")
        .map(({ path }) => quoted(path))
        .join("|")}) at="\${at:+$at }\${COMP_WORDS[index]}" ;;
    esac
  done
  case "$at $previous" in
${values.join("\n")}
  esac
  if [ -n "$takes" ]; then
    COMPREPLY=($(compgen -W "$values" -- "$current"))
    return
  fi
  case "$at" in
${words.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$offered" -- "$current"))
}
complete -o default -F _${name} ${name}
`;
}

/** zsh understands bash's completions once it is told to; then both complete the same. */
function zshScript(name: string, nodes: readonly CompletionNode[]): string {
  return `# zsh completion for ${name}: eval "$(${name} completion zsh)"
autoload -Uz compinit bashcompinit
(( $+functions[compdef] )) || compinit
bashcompinit
${bashScript(name, nodes).split("\n").slice(1).join("\n")}`;
}

function fishScript(name: string, nodes: readonly CompletionNode[]): string {
  const lines = nodes.flatMap(({ path, commands, options }) => {
    const condition = quoted(`__${name}_at ${path}`.trimEnd());
    return [
      ...commands.map(
        ({ word, description }) => `complete -c ${name} -n ${condition} -f -a ${word} -d ${quoted(description)}`,
      ),
      ...options.map(({ word, description, takesValue, choices }) => {
        const value = takesValue ? (choices.length > 0 ? ` -x -a ${quoted(choices.join(" "))}` : " -r") : "";
        return `complete -c ${name} -n ${condition} -l ${word.slice(2)}${value} -d ${quoted(description)}`;
      }),
    ];
  });
  const paths = nodes.filter(({ path }) => path !== "").map(({ path }) => quoted(path));
  return `# fish completion for ${name}: ${name} completion fish | source
function __${name}_at
  set -l path
  for word in (commandline -opc)[2..-1]
    if contains -- (string join -- ' ' $path $word) ${paths.join(" ")}
      set path $path $word
    end
  end
  test "$path" = "$argv"
end
${lines.join("\n")}
`;
}

/** For all three shells: nothing has a meaning between single quotes. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
