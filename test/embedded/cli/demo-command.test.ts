import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { readerLines } from "#demo/reader-lines.ts";
import { writePhotos } from "../ops/local/local-fixtures.ts";
import { type CliRun, runCli } from "./run-cli.ts";

const PHOTOS = 48;

test("a bare machine has a demo: embedded, of drawn photos, with plots", async () => {
  const cwd = await newFolder();
  // Nothing of this machine: neither its programs nor a stack that may run on it.
  const bare = { PATH: cwd, JAVA_HOME: cwd, FRUITSTREAM_STACK_DIR: join(cwd, "stack") };
  const { stdout, stderr } = await runCli(["demo", "--count", String(PHOTOS), "--json"], bare, cwd);

  expect(stderr).toMatch(/^everything runs in this process, .*--embedded.* since .*install Java/m);
  expect(stderr).toContain(`drawing ${PHOTOS} synthetic ones`);
  const { id, folder } = await onlyDemo(cwd);
  // JSON alone, and no word of the explanation that lies beside the drawn photos.
  const facts = { photos: PHOTOS, synthetic: true, skipped: 0, rows: PHOTOS, deadLetters: 0, tableUri: null };
  const result = JSON.parse(stdout);
  expect(result).toMatchObject({ ...facts, table: join(folder, "table") });
  expect(result.explainedVarianceRatio).toHaveLength(8);
  expect(id).toMatch(/^demo-/);
  expect((await readdir(folder)).sort()).toEqual(["logs", "plots", "synthetic-photos", "table"]);

  // The plot has the figures that are told, of all rows, and so has whoever opens the table later.
  const scree = await readFile(join(folder, "plots", "pca-scree.svg"), "utf8");
  expect(scree).toContain(`from ${PHOTOS} rows`);
  const shown = JSON.parse((await runCli(["table", "show", join(folder, "table"), "--json"])).stdout);
  expect(shown.bases[0]).toMatchObject({ rows: PHOTOS, explainedVarianceRatio: result.explainedVarianceRatio });
});

test("a demo tells people what there is and how to open it, and shells whether photos are missing", async () => {
  const cwd = await newFolder();
  const { code, stdout } = await runFlawedDemo(cwd, {});
  expect(code).toBe(3);
  expect(stdout).toContain(FLAWED_SUMMARY);
  const { id } = await onlyDemo(cwd);
  expect(stdout).toContain(`table         demo-output/${id}/table, version `);
  for (const { command } of readerLines(`demo-output/${id}/table`)) expect(stdout).toContain(command);
});

test.each([
  ["debug", 20],
  ["warn", 40],
  ["error", 50],
])("with LOG_LEVEL=%s a demo tells and leaves the same, and logs no less severe lines", async (level, severityMin) => {
  const cwd = await newFolder();
  const { code, stdout } = await runFlawedDemo(cwd, { LOG_LEVEL: level });
  expect(code).toBe(3);
  expect(stdout).toContain(FLAWED_SUMMARY);
  const { folder } = await onlyDemo(cwd);
  expect((await readdir(folder)).sort()).toEqual(["logs", "plots", "table"]);
  const logs = await readdir(join(folder, "logs"));
  const texts = await Promise.all(logs.map((name) => readFile(join(folder, "logs", name), "utf8")));
  const severities = texts.flatMap((text) =>
    text
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line).level),
  );
  expect(Math.min(...severities, Number.POSITIVE_INFINITY)).toBeGreaterThanOrEqual(severityMin);
});

const FLAWED_SUMMARY = "photos        5 announced\nskipped       1 .txt\nrows          4\ndead letters  1\n";

/** Of four photos, one file that is none, and one of another suffix. */
async function runFlawedDemo(cwd: string, env: Record<string, string>): Promise<CliRun> {
  const photos = join(cwd, "photos");
  await writePhotos(photos, 0, 4);
  await writeFile(join(photos, "apple", "text.jpg"), "no photo");
  await writeFile(join(photos, "apple", "notes.txt"), "no photo either");
  return runCli(["demo", "--embedded", "--photos", photos, "--k", "2"], env, cwd);
}

async function newFolder(): Promise<string> {
  const cwd = await mkdtemp(join(tmpdir(), "fruitstream-demo-command-"));
  onTestFinished(() => rm(cwd, { recursive: true }));
  return cwd;
}

async function onlyDemo(cwd: string): Promise<{ id: string; folder: string }> {
  const [id] = await readdir(join(cwd, "demo-output"));
  return { id: id!, folder: join(cwd, "demo-output", id!) };
}
