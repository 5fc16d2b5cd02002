import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { describeConfiguration } from "#cli/config-command.ts";

test("docs/configuration.md is what the schemas say; npx fruitstream config > docs/configuration.md renews it", () => {
  const documented = readFileSync(new URL("../../../docs/configuration.md", import.meta.url), "utf8");
  expect(documented).toBe(describeConfiguration());
});
