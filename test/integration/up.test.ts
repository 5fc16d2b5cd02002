import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { colouredPhoto, TinyPipeline } from "./tiny-pipeline.ts";

let pipeline: TinyPipeline;
let folder: string;
let env: Record<string, string>;
beforeEach(async () => {
  pipeline = await TinyPipeline.open(2);
  folder = await mkdtemp(join(tmpdir(), "fruitstream-up-"));
  env = { FRUITSTREAM_STACK_DIR: join(folder, "stack"), LOG_LEVEL: "error" };
});
afterEach(async () => {
  await pipeline.close();
  await rm(folder, { recursive: true, force: true });
});

test("up runs all services until Ctrl-C, and status tells how far they are", async () => {
  const model = await pipeline.model("mean", 1);
  const up = pipeline.startCliIn(folder, env, "up", "--featurizers", "2", "--model", model);
  await up.printed("everything is ready");
  const status = async () => {
    const { code, stdout, stderr } = await pipeline.cliIn(folder, env, "status", "--json");
    expect(code, stderr).toBe(0);
    return JSON.parse(stdout);
  };
  const { services } = await status();
  expect(services).toMatchObject(
    ["featurizer-1", "featurizer-2", "ingest", "maintainer", "reducer-1"].map((name) => ({
      name,
      state: "ready",
      troubles: [],
    })),
  );

  const photo = await colouredPhoto(7);
  const ingest = services.find(({ name }: { name: string }) => name === "ingest");
  const uploaded = await fetch(`${ingest.url}/v1/photos/lemon/${pipeline.id}.jpg`, { method: "PUT", body: photo });
  expect(uploaded.status).toBe(201);
  await pipeline.announce(9);
  await pipeline.announce(1, async () => Buffer.from("no photo"));
  await pipeline.untilFeaturized();
  expect((await pipeline.cli("flush")).code).toBe(0);

  const done = await status();
  expect(done).toMatchObject({
    featurizers: { topic: pipeline.topics.photos, group: `${pipeline.id}.featurizers`, lag: 0 },
    reducers: { topic: pipeline.topics.features, lag: 0 },
    table: { uri: pipeline.tableUri, rows: 10 },
    deadLettersOpen: 1,
  });
  const ends = done.featurizers.partitions.map(({ end }: { end: number }) => end);
  expect(ends.reduce((sum: number, end: number) => sum + end, 0)).toBe(11);

  up.interrupt();
  const { code, stdout } = await up.ended;
  expect(code).toBe(0);
  expect(stdout).toContain(ingest.url);
  expect(await status()).toMatchObject({ services: [], table: { rows: 10 } });
});

test("status before anything has been done says what there is to do", async () => {
  await pipeline.announce(3);
  const { code, stdout } = await pipeline.cliIn(folder, env, "status", "--table", `${pipeline.tableUri}-none`);
  expect(code).toBe(0);
  expect(stdout).toContain(`none at ${pipeline.tableUri}-none yet`);
  expect(stdout).toContain("featurizers   3 photos to do");
  expect(stdout).toContain("dead letters  0 open");
});

test.each([
  ["featurizer", ["featurizer", "--model"]],
  ["reducer", ["reducer"]],
  ["maintainer", ["maintainer"]],
  ["ingest", ["ingest", "serve"]],
] as const)("one %s runs in the foreground until it is interrupted", async (kind, command) => {
  const model = kind === "featurizer" ? [await pipeline.model("mean", 1)] : [];
  const service = pipeline.startCliIn(folder, env, ...command, ...model);
  await service.printed(`${kind}: ready`);
  service.interrupt();
  const { code, stderr } = await service.ended;
  expect(code).toBe(0);
  expect(stderr).toMatch(new RegExp(`^${kind}: http://127.0.0.1:\\d+$`, "m"));
});

test("a service that can't work ends the command with its sentence", async () => {
  const { code, stderr } = await pipeline.cliIn(folder, env, "featurizer", "--model", join(folder, "none"));
  expect(code).toBe(1);
  expect(stderr).toMatch(/^fruitstream: the featurizer ended \(exit code 1\): .*none/m);
});
