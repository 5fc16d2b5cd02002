import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openFolderObjectStore } from "#lib/store/folder/folder-object-store.ts";
import { publishBasis, writeFruitTable } from "../../unit/analysis/vectors/fruit-table.ts";

const PROJECT_ROOT = fileURLToPath(new URL("../../../", import.meta.url));

let root: string;
let table: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "fruitstream-local-table-"));
  const store = await openFolderObjectStore(join(root, "store"));
  const written = await writeFruitTable(store, { bucket: "tables", prefix: "fruit" }, ["apple", "banana", "cherry"]);
  await publishBasis(written, 1, [0, 1]);
  table = join(root, "store/tables/fruit");
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function fruitstream(...args: string[]) {
  const env = { ...process.env, TABLE_URI: "" };
  const options = { cwd: PROJECT_ROOT, env };
  const run = promisify(execFile)(process.execPath, [join(PROJECT_ROOT, "cli/fruitstream.ts"), ...args], options);
  return run.then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }) => ({ code, stdout, stderr }),
  );
}

/** Each call is a process of its own, on a machine that may be busy. */
describe("a table in a local folder", { timeout: 120_000 }, () => {
  it("is classified and plotted by the command line, and left as it is", async () => {
    const before = await readdir(root, { recursive: true });
    const out = await mkdtemp(join(tmpdir(), "fruitstream-out-"));
    const common = ["--table", table, "--model", "clouds", "--out", out];
    const classified = await fruitstream("classify", ...common, "--classes", "apple", "cherry", "--learning-curve");
    expect(classified).toMatchObject({ code: 0, stderr: "" });
    expect(classified.stdout).toContain(`${table} version 2, model clouds-0a1b2c3d, run live`);
    expect(classified.stdout).toContain("accuracy 100.00 %");
    expect(await fruitstream("plot", ...common)).toMatchObject({ code: 0, stderr: "" });
    expect((await readdir(out)).sort()).toEqual([
      "confusion-matrix.csv",
      "learning-curve.csv",
      "learning-curve.svg",
      "pca-scatter.svg",
      "pca-scree.svg",
      "scores.csv",
      "weights.json",
    ]);
    expect(await readdir(root, { recursive: true })).toEqual(before);
    await rm(out, { recursive: true });
  });

  it("is missed with a sentence", async () => {
    const empty = join(root, "empty");
    await mkdir(empty);
    const { code, stderr } = await fruitstream("plot", "--model", "clouds", "--out", root, "--table", empty);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `fruitstream: there is no table in ${empty}: it has no folder _delta_log\n`,
    });
  });

  it("has to be named", async () => {
    const { code, stderr } = await fruitstream("classify", "--model", "clouds", "--all");
    expect(code).toBe(1);
    expect(stderr).toMatch(/^fruitstream: which table\?/);
  });
});
