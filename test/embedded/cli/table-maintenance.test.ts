import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openFolderObjectStore } from "#lib/store/folder/folder-object-store.ts";
import { publishBasis, writeFruitTable } from "../../unit/analysis/vectors/fruit-table.ts";
import { runCli } from "./run-cli.ts";

let root: string;
let table: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "fruitstream-maintenance-"));
  const store = await openFolderObjectStore(join(root, "store"));
  const place = { bucket: "tables", prefix: "fruit" };
  const written = await writeFruitTable(store, place, ["apple", "banana", "cherry"]);
  await publishBasis(written, 1, [0, 1]);
  table = join(root, "store/tables/fruit");
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** Each call is a process of its own, on a machine that may be busy. */
describe("a table in a local folder", { timeout: 120_000 }, () => {
  it("is compacted, vacuumed and maintained by the command line, and shows it in its history", async () => {
    const before = await json("table", "show", table);
    const dry = await json("table", "compact", table, "--dry-run");
    expect(dry).toMatchObject({ table, files: before.files, groups: 1 });
    expect(await json("table", "show", table)).toEqual(before);

    const compacted = await json("table", "compact", table);
    expect(compacted).toMatchObject({ table, version: 3, commits: 1, removedFiles: before.files, addedFiles: 1 });
    expect(await json("table", "show", table)).toMatchObject({ version: 3, files: 1, rows: 60 });
    const { versions } = await json("table", "history", table, "--limit", "2");
    expect(versions).toMatchObject([
      { version: 3, operation: "OPTIMIZE", addedFiles: 1, removedFiles: before.files, dataChange: false },
      { version: 2, dataChange: true },
    ]);
    expect((await runCli(["table", "history", table])).stdout).toMatch(/^3 {2}\S+Z {2}OPTIMIZE {2}\+1 -\d+ files/);

    const vacuumed = await json("table", "vacuum", table, "--dry-run");
    expect(vacuumed).toMatchObject({ vacuumed: [], files: 0, keptFiles: before.files, retentionMs: 604_800_000 });
    expect(await json("table", "maintain", table)).toMatchObject({ version: 3, files: 1, vacuum: { files: 0 } });
    const { findings } = JSON.parse((await runCli(["table", "check", table, "--json"])).stdout);
    // These rows were written without a topic's offsets.
    const expected = ["no-offsets", "removed-file"];
    expect(findings.filter(({ code }: { code: string }) => !expected.includes(code))).toEqual([]);
    expect((await readdir(join(table, "_fruitstream"))).sort()).toEqual(["bases", "maintenance.json"]);
  });

  it("refuses an interval that is none before it touches the table", async () => {
    const { code, stderr } = await runCli(["table", "maintain", table], { MAINTAINER_QUIET_MS: "an hour" });
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining(
        'MAINTAINER_QUIET_MS must be a whole number from 0 to 31622400000, got "an hour"',
      ),
    });
  });
});

async function json(...args: string[]) {
  const { code, stdout, stderr } = await runCli([...args, "--json"]);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout);
}
