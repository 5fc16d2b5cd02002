import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { describeModel } from "#lib/model/model-folder.ts";

/** Sizes and hashes as the zoo's own repository gives them, noted apart from the manifests. */
const { models } = JSON.parse(
  readFileSync(new URL("../../../shared/models/sources.json", import.meta.url), "utf8"),
) as { models: { name: string; path: string; sha256: string; bytes: number; features: number }[] };

test.each(models)("the manifest of $name names the file that the zoo has", async (source) => {
  const { sha256, dimension, download } = (await describeModel(source.name)).manifest;
  expect({ sha256, dimension, bytes: download?.bytes }).toEqual({
    sha256: source.sha256,
    dimension: source.features,
    bytes: source.bytes,
  });
  expect(download?.url.slice(-source.path.length)).toBe(source.path);
});
