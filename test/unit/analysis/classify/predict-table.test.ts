import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { classifyTable } from "#analysis/classify/classify-table.ts";
import { predictTable } from "#analysis/classify/predict-table.ts";
import type { Task } from "#analysis/classify/task.ts";
import { readWeights } from "#analysis/classify/weights-file.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { photoRow } from "../../lib/table/photo-rows.ts";
import { emptyStore, LOCATION } from "../../lib/table/table-fixtures.ts";
import { appendRows, MODEL, publishBasis, writeFruitTable } from "../vectors/fruit-table.ts";

const LABELS = ["apple", "banana", "cherry"];
const PLACE = "s3://tables/fruit";

let folder: string;
let table: DeltaTable;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fruitstream-predict-"));
  table = await writeFruitTable(emptyStore(), LOCATION, LABELS);
});
afterEach(() => rm(folder, { recursive: true }));

async function train(task: Task = { kind: "all" }, features: "features" | "pca_features" = "features") {
  const options = { trainShare: 0.7, passesMax: 100, seed: 20 };
  const request = { model: "clouds", run: "live", features, task, options, learningCurve: false, folder };
  await classifyTable({ place: PLACE, table }, request);
  return readWeights(join(folder, "weights.json"));
}

const predict = async (name: string, weights: Awaited<ReturnType<typeof train>>, place = PLACE) =>
  predictTable({ place, table }, { run: "live", weights, file: join(folder, name) });
const textOf = (name: string) => readFile(join(folder, name), "utf8");

describe("predictions by written weights", () => {
  it("are of every row, with and without a label", async () => {
    const weights = await train();
    const unlabelled = { model: MODEL, label: null, path: "s3://photos/new.jpg" };
    await appendRows(table, [photoRow({ ...unlabelled, features: Float32Array.of(0, 4, 0, 0, 0, 0) })]);
    const result = await predict("rows.csv", weights);
    expect(result).toMatchObject({
      table: PLACE,
      version: 3,
      model: MODEL,
      rows: 61,
      predicted: { apple: 20, banana: 21, cherry: 20 },
      known: { rows: 60, right: 60 },
    });
    const lines = (await textOf("rows.csv")).trimEnd().split("\n");
    expect(lines[0]).toBe("path,label,predicted,decision apple,decision banana,decision cherry");
    expect(lines).toHaveLength(62);
    expect(lines.find((line) => line.startsWith("s3://photos/new.jpg,"))).toMatch(/^s3:\/\/photos\/new.jpg,,banana,-/);
  });

  it("are JSON where the file is called so", async () => {
    await predict("rows.json", await train({ kind: "one-vs-all", label: "banana" }));
    const rows = JSON.parse(await textOf("rows.json"));
    expect(rows).toHaveLength(60);
    expect(rows.find(({ label }: { label: string }) => label === "cherry")).toMatchObject({
      predicted: "not banana",
      decisionValues: [expect.any(Number)],
    });
  });

  it("are in the basis of the weights, whichever is the newest", async () => {
    await publishBasis(table, 1, [0, 1]);
    const weights = await train({ kind: "among", classes: ["apple", "banana"] }, "pca_features");
    await publishBasis(table, 2, [2, 3]);
    expect((await predict("rows.csv", weights)).known).toEqual({ rows: 40, right: 40 });
    await expect(predict("rows.csv", weights, "/another/table")).rejects.toThrow(/PCA bases of s3:\/\/tables\/fruit/);
  });

  it("leave no half of a file", async () => {
    const weights = await train();
    await appendRows(table, [photoRow({ model: MODEL, features: new Float32Array(3) })]);
    await expect(predict("rows.csv", weights)).rejects.toThrow(/weights are for 6 values, and .* has 3/);
    expect((await readdir(folder)).filter((name) => name.startsWith("rows"))).toEqual([]);
  });

  it("are refused into a file of another kind", async () => {
    await expect(predict("rows.txt", await train())).rejects.toThrow(/--out must end in .csv or .json/);
  });

  it.each([
    ["no JSON", "not weights", /the file: /],
    ["a machine too few", undefined, /machines: must be one machine for two classes/],
  ])("are refused by a file that holds %s", async (_, text, message) => {
    await train();
    const { machines, ...rest } = JSON.parse(await textOf("weights.json"));
    const path = join(folder, "wrong.json");
    await writeFile(path, text ?? JSON.stringify({ ...rest, machines: machines.slice(1) }));
    await expect(readWeights(path)).rejects.toThrow(message);
  });
});
