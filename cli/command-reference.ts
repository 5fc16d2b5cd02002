import type { Command, Help } from "commander";

/** The text of `docs/cli.md`: every command that help shows, with its arguments and options. */
export function describeCommands(program: Command): string {
  const help = program.createHelp();
  const groups = help.visibleCommands(program).filter((command) => !isHelp(command));
  const contents = groups.map(
    (command) => `| [\`${command.name()}\`](#${command.name()}) | ${cell(command.description())} |`,
  );
  const sections = groups.map((command) => `## ${command.name()}\n\n${describe(command, help)}`);
  return [INTRODUCTION, "| command | what it does |", "| --- | --- |", ...contents, "", ...sections].join("\n");
}

const INTRODUCTION = `# Command line

Run from a checkout, commands begin with \`npx fruitstream\`. \`fruitstream COMMAND --help\` prints the same text as this page,
which is generated: \`npx fruitstream docs cli > docs/cli.md\`.

Facts are on standard output, and with \`--json\` they are one JSON object and alone there; progress, hints and errors are on
standard error.

| exit code | meaning |
| --- | --- |
| 0 | all is well: every photo is a row, everything that was asked for is done |
| 1 | it could not be done, or not all of it |
| 2 | the command was not understood: its options or arguments, or what they name |
| 3 | it is done, and some photos are dead letters instead of rows |
| 4 | it is done, and it has found what it was looking for: a damaged table, a photo that is not gone |
| 130, 143 | Ctrl-C or SIGTERM ended it, in order; the same command goes on |
`;

/** A command that does something itself, or its subcommands one after the other. */
function describe(command: Command, help: Help): string {
  const subcommands = help.visibleCommands(command).filter((one) => !isHelp(one));
  if (subcommands.length === 0) return describeLeaf(command, help);
  const parts = subcommands.map((one) => `### ${pathOf(one)}\n\n${describe(one, help)}`);
  return [`${sentence(command.description())}\n`, ...parts].join("\n");
}

function describeLeaf(command: Command, help: Help): string {
  const rows = [
    ...help.visibleArguments(command).map((one) => [help.argumentTerm(one), help.argumentDescription(one)] as const),
    ...help
      .visibleOptions(command)
      .filter(({ long }) => long !== "--help")
      // That a flag is off until it is given goes without saying.
      .map((one) => [help.optionTerm(one), help.optionDescription(one).replace(" (default: false)", "")] as const),
  ];
  const table = rows.map(([term, description]) => `| \`${term.replaceAll("|", "\\|")}\` | ${cell(description)} |`);
  const usage = `\`${pathOf(command)}${rows.length === 0 ? "" : ` ${command.usage()}`}\``;
  const head = `${sentence(command.description())}\n\n${usage}\n`;
  return rows.length === 0 ? head : [head, "| | |", "| --- | --- |", ...table, ""].join("\n");
}

function pathOf(command: Command): string {
  return command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name();
}

function isHelp(command: Command): boolean {
  return command.name() === "help";
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("<", "&lt;");
}
