import { existsSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { expect, test } from "vitest";
import { photoReplayOf } from "#cli/replay-command.ts";

const BOUNDS = { from: undefined, to: undefined, logFile: undefined };
const deps = (env: Record<string, string> = {}) => ({ env, note: () => undefined });
const flags = { run: "second", share: 0.5, table: "s3://tables/fruits" };

test.each([
  ["--model", { ...flags, model: "resnet18-v1-7" }, {}],
  ["FEATURIZER_MODEL_DIR", flags, { FEATURIZER_MODEL_DIR: "resnet18-v1-7" }],
])("a replay of photos takes by %s the name of a model that comes with the project", async (_, given, env) => {
  const { modelFolder, ...others } = await photoReplayOf(given, BOUNDS, deps(env));
  // The featurizer is a process with another working folder.
  expect(isAbsolute(modelFolder)).toBe(true);
  expect(existsSync(join(modelFolder, "model.json"))).toBe(true);
  expect(others).toEqual({ ...BOUNDS, run: "second", tableUri: "s3://tables/fruits", share: 0.5 });
});

test("a replay without a model, without a run, or as the live run is refused", async () => {
  await expect(photoReplayOf(flags, BOUNDS, deps())).rejects.toThrow(/^which model\? name its folder with --model/);
  const named = { ...flags, model: "resnet18-v1-7" };
  await expect(photoReplayOf({ share: 0.5, model: named.model }, BOUNDS, deps())).rejects.toThrow(/^which run\?/);
  await expect(photoReplayOf({ ...named, run: "live" }, BOUNDS, deps())).rejects.toThrow(/"live" is the run of photos/);
});
