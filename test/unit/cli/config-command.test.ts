import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { CONFIG_SHAPES, configurationFacts, describeConfiguration } from "#cli/config-command.ts";

test("docs/configuration.md is what the schemas say; npx fruitstream config > docs/configuration.md renews it", () => {
  const documented = readFileSync(new URL("../../../docs/configuration.md", import.meta.url), "utf8");
  expect(documented).toBe(describeConfiguration());
});

test("config --json has each variable with its default, or that it must be set", () => {
  const facts = configurationFacts();
  expect(facts).toHaveLength(Object.values(CONFIG_SHAPES).flatMap((shape) => Object.keys(shape)).length);
  const of = (name: string, readBy: string) => facts.find((fact) => fact.name === name && fact.readBy === readBy);
  expect(of("PHOTOS_BUCKET", "ingest")).toEqual({
    name: "PHOTOS_BUCKET",
    readBy: "ingest",
    description: "bucket that photos are stored in",
    default: "photos",
    required: false,
  });
  expect(of("FEATURIZER_MODEL_DIR", "featurizer")).toMatchObject({ default: null, required: true });
  expect(of("FEATURIZER_UNTIL", "featurizer")).toMatchObject({ default: null, required: false });
});
