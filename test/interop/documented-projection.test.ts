import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
/** An interpreter with the packages of `requirements.txt`. */
const python = process.env.FRUITSTREAM_PYTHON ?? "python3";
const hasReaders = spawnSync(python, ["-c", "import deltalake, duckdb, numpy, pyarrow"]).status === 0;

const hasScikit = hasReaders && spawnSync(python, ["-c", "import sklearn"]).status === 0;

const PHOTOS = 48;
const COMPONENTS = 5;
/** Of drawn fruit. */
const KINDS = 12;

describe.skipIf(!hasReaders)("docs/table.md", () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "documented-projection-"));
    const photos = join(folder, "photos");
    fruitstream("sample", "--count", String(PHOTOS), "--size", "96", "--out", photos);
    fruitstream("local", "--photos", photos, "--out", folder, "--k", String(COMPONENTS));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it("projects a new vector as it says", () => {
    const script = `${snippet("def project(")}\n${readFileSync(path("./check_projection.py"), "utf8")}`;
    const seen = JSON.parse(run(script, join(folder, "table")));
    expect(seen).toMatchObject({ rows: PHOTOS, components: COMPONENTS });
    // Relative to the largest coordinate: it is rounded to float32.
    expect(seen.largestDifference).toBeLessThan(1e-5);
  });

  it("reads the table by SQL as it says", () => {
    const counts = run(snippet("import duckdb").replace("OUT/table", join(folder, "table")));
    expect(counts.match(/\(synthetic\) +│ +(\d+) │/g)).toHaveLength(KINDS);
    expect(counts).toMatch(new RegExp(`│ Apple \\(synthetic\\) +│ +${PHOTOS / KINDS} │`));
  });

  it.skipIf(!hasScikit)("has a column that is scikit-learn's PCA of the features, whenever photos came", () => {
    const check = () => JSON.parse(execFileSync(python, [path("./check_pca.py"), join(folder, "table")]).toString());
    expect(check()).toMatchObject({ rows: PHOTOS, components: COMPONENTS });
    const more = join(folder, "photos", "more");
    fruitstream("sample", "--count", String(KINDS), "--size", "64", "--out", more);
    fruitstream("local", "--photos", join(folder, "photos"), "--out", folder, "--k", String(COMPONENTS));
    const { versions, largestDifference, ...counts } = check();
    expect(counts).toEqual({ rows: PHOTOS + KINDS, components: COMPONENTS });
    expect(versions).toHaveLength(1);
    expect(largestDifference).toBeLessThan(1e-5);
  });
});

/** The document's code block in which this text stands. */
function snippet(text: string): string {
  const blocks = [...readFileSync(path("../../docs/table.md"), "utf8").matchAll(/```python\n(.*?)```/gs)];
  const block = blocks.find(([, code]) => code?.includes(text))?.[1];
  expect(block, `a block with "${text}"`).toBeDefined();
  return block ?? "";
}

function run(script: string, ...args: string[]): string {
  return execFileSync(python, ["-c", script, ...args]).toString();
}

function fruitstream(...args: string[]): void {
  execFileSync(process.execPath, [path("../../cli/fruitstream.ts"), ...args], { stdio: "pipe" });
}
