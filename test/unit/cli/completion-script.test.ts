import { execFileSync, spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { completionScript, SHELLS } from "#cli/completion-script.ts";
import { fruitstreamProgram } from "#cli/program.ts";

const hasBash = spawnSync("bash", ["--version"]).status === 0;

/** What bash would offer at the end of the line. */
function completed(line: string): string[] {
  const words = line.split(" ");
  const script = `${completionScript(fruitstreamProgram(), "bash")}
    COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length - 1}
    _fruitstream; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync("bash", ["-c", script], { encoding: "utf8" }).split("\n").filter(Boolean);
}

test.skipIf(!hasBash)("bash offers commands, subcommands, options and choices", () => {
  expect(completed("fruitstream tab")).toEqual(["table"]);
  expect(completed("fruitstream table ")).toEqual(expect.arrayContaining(["show", "export"]));
  expect(completed("fruitstream table show --js")).toEqual(["--json"]);
  expect(completed("fruitstream dead-letters retry 0:1 --re")).toEqual(["--reason"]);
  expect(completed("fruitstream replay --topic ")).toEqual(["photos", "features"]);
});

test.skipIf(!hasBash)("where a value or an argument is wanted, bash is left to complete file names", () => {
  expect(completed("fruitstream local --photos ")).toEqual([]);
  expect(completed("fruitstream ingest upload a")).toEqual([]);
});

test.each(SHELLS)("every visible command is in the script of %s, and hidden ones are not", (shell) => {
  const script = completionScript(fruitstreamProgram(), shell);
  for (const { name } of fruitstreamProgram().commands.map((command) => ({ name: command.name() }))) {
    if (name === "docs") expect(script).not.toMatch(/[' ]docs[' ]/);
    else expect(script).toMatch(new RegExp(`[' ]${name}[' ]`));
  }
});

for (const [shell, option] of [
  ["bash", "-n"],
  ["zsh", "-n"],
  ["fish", "--no-execute"],
] as const) {
  const isThere = spawnSync(shell, ["--version"]).status === 0;
  test.skipIf(!isThere)(`${shell} reads its script without complaint`, () => {
    const script = completionScript(fruitstreamProgram(), shell);
    expect(spawnSync(shell, [option], { input: script, encoding: "utf8" })).toMatchObject({ status: 0, stderr: "" });
  });
}
