import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { describeCommands } from "#cli/command-reference.ts";
import { fruitstreamProgram } from "#cli/program.ts";

test("docs/cli.md is what the commands say; npx fruitstream docs cli > docs/cli.md renews it", () => {
  const documented = readFileSync(new URL("../../../docs/cli.md", import.meta.url), "utf8");
  expect(documented, "renew it: npx fruitstream docs cli > docs/cli.md").toBe(describeCommands(fruitstreamProgram()));
});
