import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { TinyPipeline } from "./tiny-pipeline.ts";

test.each(["warn", "error", "debug"])("with LOG_LEVEL=%s a demo and replays do what they do", async (level) => {
  const folder = await mkdtemp(join(tmpdir(), "fruitstream-log-level-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const pipeline = await TinyPipeline.open(2);
  onTestFinished(() => pipeline.close());
  const env = { LOG_LEVEL: level };
  const run = (...args: string[]) => pipeline.cliIn(folder, env, ...args);
  const model = await pipeline.model("mean", 1);

  const demo = ["demo", "--count", "20", "--model", model, "--k", "2", "--partitions", "2"];
  const shown = await run(...demo, "--export", join(folder, "table"), "--json");
  expect(shown.code, shown.stderr).toBe(0);
  expect(JSON.parse(shown.stdout.trim().split("\n").at(-1)!)).toMatchObject({ photos: 20, rows: 20 });

  pipeline.start("reducer", env);
  await pipeline.announce(10);
  const photos = await run("replay", "--topic", "photos", "--run", "second", "--model", model);
  expect(photos.code, photos.stderr).toBe(0);
  expect(photos.stdout).toMatch(/^rows added +10$/m);
  const table = `${pipeline.tableUri}-anew`;
  const vectors = await run("replay", "--topic", "features", "--table", table);
  expect(vectors.code, vectors.stderr).toBe(0);
  expect(vectors.stdout).toMatch(/^rows added +10$/m);
});
