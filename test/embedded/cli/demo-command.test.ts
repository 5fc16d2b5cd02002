import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";

const CLI = fileURLToPath(new URL("../../../cli/fruitstream.ts", import.meta.url));
const PHOTOS = 48;

test("a bare machine has a demo: embedded, of drawn photos, with plots", { timeout: 120_000 }, async () => {
  const cwd = await mkdtemp(join(tmpdir(), "fruitstream-demo-command-"));
  onTestFinished(() => rm(cwd, { recursive: true }));
  // Nothing of this machine: neither its programs nor a stack that may run on it.
  const { KAFKA_BROKERS: _, S3_ENDPOINT: __, ...inherited } = process.env;
  const env = { ...inherited, PATH: cwd, JAVA_HOME: cwd, FRUITSTREAM_STACK_DIR: join(cwd, "stack") };
  const args = [CLI, "demo", "--count", String(PHOTOS), "--json"];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { cwd, env });

  expect(stderr).toMatch(/^everything runs in this process, .*--embedded.* since .*install Java/m);
  expect(stderr).toContain(`drawing ${PHOTOS} synthetic ones`);
  expect(stdout).toContain(`photos        ${PHOTOS} synthetic ones announced`);
  const result = JSON.parse(stdout.trimEnd().split("\n").at(-1)!);
  expect(result).toMatchObject({ photos: PHOTOS, synthetic: true, rows: PHOTOS, deadLetters: 0 });
  expect(result.explainedVarianceRatio).toHaveLength(8);

  const [id] = await readdir(join(cwd, "demo-output"));
  const folder = join(cwd, "demo-output", id!);
  expect(result.tableUri).toBe(`file://${join(folder, "table")}`);
  expect((await readdir(folder)).sort()).toEqual(["logs", "plots", "synthetic-photos", "table"]);
  for (const plot of ["pca-scatter.svg", "pca-scree.svg"]) expect(existsSync(join(folder, "plots", plot))).toBe(true);
});
