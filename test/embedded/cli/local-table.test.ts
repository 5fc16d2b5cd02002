import { cp, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openFolderObjectStore } from "#lib/store/folder/folder-object-store.ts";
import { openTable } from "#lib/table/open-table.ts";
import { publishBasis, writeFruitTable } from "../../unit/analysis/vectors/fruit-table.ts";
import { runCli } from "./run-cli.ts";

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

/** Each call is a process of its own, on a machine that may be busy. */
describe("a table in a local folder", { timeout: 120_000 }, () => {
  it("is classified and plotted by the command line, and left as it is", async () => {
    const before = await readdir(root, { recursive: true });
    const out = await mkdtemp(join(tmpdir(), "fruitstream-out-"));
    const common = ["--table", table, "--model", "clouds", "--out", out];
    const classified = await runCli(["classify", ...common, ...["--classes", "apple", "cherry", "--learning-curve"]]);
    expect(classified).toMatchObject({ code: 0, stderr: "" });
    expect(classified.stdout).toContain(`${table} version 2, model clouds-0a1b2c3d, run live`);
    expect(classified.stdout).toContain("accuracy 100.00 %");
    expect(await runCli(["plot", ...common])).toMatchObject({ code: 0, stderr: "" });
    const weights = ["--weights", join(out, "weights.json"), "--out", join(out, "rows.csv")];
    const predicted = await runCli(["classify", "predict", "--table", table, ...weights, "--json"]);
    expect(JSON.parse(predicted.stdout)).toMatchObject({ table, rows: 60, known: { rows: 40, right: 40 } });
    expect((await readdir(out)).sort()).toEqual([
      "confusion-matrix.csv",
      "learning-curve.csv",
      "learning-curve.svg",
      "pca-scatter.svg",
      "pca-scree.svg",
      "rows.csv",
      "scores.csv",
      "weights.json",
    ]);
    expect(await readdir(root, { recursive: true })).toEqual(before);
    await rm(out, { recursive: true });
  });

  it("is checked, and a damage is found", async () => {
    const sound = await runCli(["table", "check", table, "--json"]);
    expect(JSON.parse(sound.stdout)).toMatchObject({ table, version: 2, rows: 60, errors: 0 });
    expect(sound.code).toBe(0);
    const copy = await mkdtemp(join(tmpdir(), "fruitstream-check-"));
    await cp(table, copy, { recursive: true });
    const [file] = (await readdir(copy, { recursive: true })).filter((name) => name.endsWith(".zstd.parquet"));
    await rm(join(copy, file!));
    const damaged = await runCli(["table", "check", copy]);
    expect(damaged).toMatchObject({ code: 4, stderr: "" });
    expect(damaged.stdout).toContain(`error file-missing: ${file}: the file is not there`);
    await rm(copy, { recursive: true });
  });

  it("is shown and exported by its folder, the one that holds it as table, or its file URI", async () => {
    const { code, stdout, stderr } = await runCli(["table", "show", table, "--json"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const facts = JSON.parse(stdout);
    expect(facts).toMatchObject({ table, version: 2, rows: 60, bases: [{ run: "live", version: 1 }] });
    expect((await runCli(["table", "show", pathToFileURL(table).href])).stdout).toMatch(
      /^version 2, \d+ files, 60 rows\n/,
    );

    const out = await mkdtemp(join(tmpdir(), "fruitstream-export-"));
    const exported = await runCli(["table", "export", join(out, "table"), "--table", table, "--json"]);
    expect(JSON.parse(exported.stdout)).toMatchObject({ table, version: 2, folder: join(out, "table") });
    const copy = JSON.parse((await runCli(["table", "show", out, "--json"])).stdout);
    expect(copy).toEqual({ ...facts, table: join(out, "table") });
    await rm(out, { recursive: true });
  });

  it("is put into one basis, where it lies and in an export", async () => {
    const copy = await mkdtemp(join(tmpdir(), "fruitstream-reproject-"));
    await cp(table, join(copy, "table"), { recursive: true });
    const reproject = (...more: string[]) => runCli(["table", "reproject", copy, "--json", ...more]);
    const factsOf = ({ stdout }: { stdout: string }) => JSON.parse(stdout);
    const planned = await reproject("--k", "3", "--dry-run");
    expect(planned).toMatchObject({ code: 0, stderr: "" });
    const basis = { model: "clouds-0a1b2c3d", run: "live", version: 2, components: 3, rows: 60 };
    const facts = { table: join(copy, "table"), files: 2, rows: 60, bases: [basis] };
    expect(factsOf(planned)).toEqual({ ...facts, dryRun: true, version: 2 });
    expect(factsOf(await reproject("--k", "3"))).toEqual({ ...facts, dryRun: false, version: 3 });
    const beside = await readdir(join(copy, "table/_fruitstream"));
    expect(beside.filter((name) => !["bases", "probes"].includes(name))).toEqual([]);
    expect(factsOf(await reproject())).toEqual({ ...facts, dryRun: false, version: 3, files: 0, rows: 0 });
    const refused = await reproject("--k", "7");
    expect(refused).toMatchObject({ code: 2, stdout: "" });
    expect(refused.stderr).toContain(
      "7 components of model clouds-0a1b2c3d were asked for, whose vectors have 6 values",
    );

    // Published and not yet projected onto: the copy of an export is ahead of its table.
    const store = await openFolderObjectStore(join(copy, "store"), { copy });
    await publishBasis(await openTable(store, { bucket: "copy", prefix: "table" }), 3, [0, 1]);
    const exported = await runCli(["table", "export", join(copy, "exported"), "--table", copy, "--json"]);
    expect(factsOf(exported)).toMatchObject({ version: 4, files: 2, reprojectedRows: 60 });
    const mixed = await runCli(["table", "show", copy]);
    expect(mixed.stdout).toMatch(/^version 3,/);
    expect(mixed.stderr).toContain("60 rows lie in files with coordinates of other bases");
    expect(mixed.stderr).toContain(`fruitstream table reproject ${join(copy, "table")} puts all rows into one`);
    const sound = await runCli(["table", "check", join(copy, "exported"), "--json"]);
    const { findings, ...counts } = factsOf(sound);
    expect(counts).toMatchObject({ version: 4, rows: 60 });
    expect(findings.filter(({ code }: { code: string }) => /basis|file|statistics/.test(code))).toEqual([]);
    await rm(copy, { recursive: true });
  });

  it("is missed with a sentence", async () => {
    const empty = join(root, "empty");
    await mkdir(empty);
    const { code, stderr } = await runCli(["plot", "--model", "clouds", "--out", root, "--table", empty]);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `fruitstream: there is no table in ${empty}: it has no folder _delta_log\n`,
    });
  });

  it("has to be named", async () => {
    const { code, stderr } = await runCli(["classify", "--model", "clouds", "--all"]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^fruitstream: which table\?/);
  });
});
