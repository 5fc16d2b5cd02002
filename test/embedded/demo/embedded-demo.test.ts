import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runDemo } from "#demo/run-demo.ts";
import { type NamedTable, openNamedTable } from "#ops/table/open-named-table.ts";
import { readTableFacts } from "#ops/table/table-facts.ts";
import { quietDeps } from "../../fakes/quiet-deps.ts";
import { writeTinyModel } from "../../faults/tiny-model.ts";
import { writePhotos } from "../ops/local/local-fixtures.ts";

let scratch: string;

beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), "fruitstream-embedded-demo-"));
  await writeTinyModel(join(scratch, "model"));
  await writePhotos(join(scratch, "photos"), 0, 30);
});
afterEach(() => rm(scratch, { recursive: true }));

async function withTable<Result>(folder: string, work: (named: NamedTable) => Promise<Result>): Promise<Result> {
  await using named = await openNamedTable(folder, quietDeps());
  return await work(named);
}

const demo = (signal?: AbortSignal, featurizers = 1) =>
  runDemo(
    {
      photos: join(scratch, "photos"),
      model: join(scratch, "model"),
      featurizers,
      reducers: 1,
      partitions: 3,
      components: 4,
      embedded: true,
      outputFolder: join(scratch, "demo-output"),
      exportFolder: undefined,
    },
    quietDeps(signal),
  );

test("an embedded demo has what any demo has, and leaves the table alone", { timeout: 120_000 }, async () => {
  await writeFile(join(scratch, "photos", "apple", "text.jpg"), "no photo");
  const result = await demo();
  expect(result).toMatchObject({ photos: 31, rows: 30 });
  expect(result.deadLetters.map(({ reason }) => reason)).toEqual(["unsupported-format"]);
  expect(result.basis).toMatchObject({ rowCount: 30, componentCount: 4 });
  expect(result.sampleRows).toHaveLength(5);
  const { bases } = await withTable(result.tableFolder, readTableFacts);
  expect(bases).toMatchObject([{ version: result.basis!.version, rows: 30, staleRows: 0 }]);
  expect(result.origin).toBeUndefined();
  expect(existsSync(join(result.tableFolder, "_delta_log"))).toBe(true);
  for (const { path } of result.sampleRows) expect(existsSync(fileURLToPath(String(path)))).toBe(true);
  const [id] = await readdir(join(scratch, "demo-output"));
  expect((await readdir(join(scratch, "demo-output", id!))).sort()).toEqual(["logs", "plots", "table"]);
});

test("an interrupted one ends with the reason and removes its state", { timeout: 120_000 }, async () => {
  const interruption = new AbortController();
  const running = demo(interruption.signal);
  interruption.abort(new Error("enough"));
  await expect(running).rejects.toThrow("enough");
  const [id] = await readdir(join(scratch, "demo-output"));
  expect(await readdir(join(scratch, "demo-output", id!))).toEqual(["logs"]);
});

test("several featurizers need processes of their own", async () => {
  await expect(demo(undefined, 2)).rejects.toMatchObject({ code: "usage" });
});
