import { readFileSync } from "node:fs";
import { expect, onTestFinished, test, vi } from "vitest";
import { describeCommands } from "#cli/command-reference.ts";
import { fruitstreamProgram } from "#cli/program.ts";

test("docs/cli.md is what the commands say; npx fruitstream docs cli > docs/cli.md renews it", () => {
  const documented = readFileSync(new URL("../../../docs/cli.md", import.meta.url), "utf8");
  expect(documented, "renew it: npx fruitstream docs cli > docs/cli.md").toBe(describeCommands(fruitstreamProgram()));
});

test("the page is the same whatever the environment of its writer says", () => {
  const page = describeCommands(fruitstreamProgram());
  onTestFinished(() => void vi.unstubAllEnvs());
  for (const name of ["PHOTOS_BUCKET", "TABLE_URI", "FEATURIZER_MODEL_DIR", "KAFKA_BROKERS"]) vi.stubEnv(name, "mine");
  expect(describeCommands(fruitstreamProgram())).toBe(page);
});
