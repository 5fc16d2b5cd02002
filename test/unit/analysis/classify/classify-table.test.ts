import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ClassifyRequest, classifyTable } from "#analysis/classify/classify-table.ts";
import { describeClassification } from "#analysis/classify/report.ts";
import { openTable } from "#lib/table/open-table.ts";
import type { PhotoRow } from "#lib/table/photo-row.ts";
import { photoRow } from "../../lib/table/photo-rows.ts";
import { emptyStore, LOCATION } from "../../lib/table/table-fixtures.ts";
import { appendRows, MODEL, publishBasis, writeFruitTable } from "../vectors/fruit-table.ts";

const LABELS = ["apple", "banana", "cherry", "date"];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "fruitstream-classify-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function requestOf(changes: Partial<ClassifyRequest>): ClassifyRequest {
  return {
    model: "clouds",
    run: "live",
    features: "features",
    task: { kind: "all" },
    options: { trainShare: 0.7, passesMax: 100, seed: 20 },
    learningCurve: false,
    folder: undefined,
    ...changes,
  };
}

async function classified(changes: Partial<ClassifyRequest>, table = writeFruitTable(emptyStore(), LOCATION, LABELS)) {
  const named = { place: "s3://tables/fruit", table: await table };
  return describeClassification(await classifyTable(named, requestOf(changes)));
}

const textOf = (name: string) => readFile(join(folder, name), "utf8");

describe("a classification of a table", () => {
  it("tells its figures, and writes them, the weights and the curve", async () => {
    const text = await classified({ learningCurve: true, folder });
    expect(text).toContain("80 labelled rows of 4 labels; features of 6 values; seed 20");
    expect(text).toContain("trained on 56 rows, tested on 24\naccuracy 100.00 %, balanced accuracy 100.00 %");
    expect(text).toMatch(/^actual \\ predicted {2}apple {2}banana {2}cherry {2}date$/m);

    expect(await textOf("scores.csv")).toBe(
      `class,test_rows,precision,recall,f1\n${LABELS.map((label) => `${label},6,1,1,1\n`).join("")}`,
    );
    expect(await textOf("confusion-matrix.csv")).toContain("\nbanana,0,6,0,0\n");
    expect(await textOf("learning-curve.csv")).toMatch(/\n56,1,1,1\n$/);
    const curve = await textOf("learning-curve.svg");
    expect(curve).toMatch(/^<svg .*<\/svg>$/s);
    expect(curve).toContain("training rows");
  });

  it("writes weights that classify by the rule that stands beside them", async () => {
    await classified({ folder });
    const weights = JSON.parse(await textOf("weights.json"));
    expect(weights).toMatchObject({
      table: "s3://tables/fruit",
      tableVersion: 2,
      model: MODEL,
      run: "live",
      features: "features",
      pcaVersion: null,
      seed: 20,
      classes: LABELS,
      testAccuracy: 1,
    });
    const scale = (x: readonly number[]) =>
      x.map((value, column) => (value - weights.mean[column]) * weights.factors[column]);
    const valuesOf = (x: readonly number[]) =>
      weights.machines.map(({ weights: w, bias }: { weights: number[]; bias: number }) =>
        scale(x).reduce((sum, value, column) => sum + value * w[column]!, bias),
      );
    const centres = LABELS.map((_, label) => Array.from({ length: 6 }, (_, column) => (column === label ? 4 : 0)));
    const best = centres.map(valuesOf).map((values) => values.indexOf(Math.max(...values)));
    expect(best).toEqual([0, 1, 2, 3]);
  });

  it("is the same whatever the order of the table's rows and files", async () => {
    const overlapping = LABELS.flatMap((label, index) =>
      Array.from({ length: 20 }, (_, row) =>
        photoRow({
          model: MODEL,
          label,
          path: `s3://photos/${label}/${row}.jpg`,
          features: Float32Array.of(Math.sin(row * 7 + index), index / 4 + Math.cos(row * 5)),
        }),
      ),
    );
    const tableOf = async (files: readonly (readonly PhotoRow[])[]) => {
      const table = await openTable(emptyStore(), LOCATION, { createIfAbsent: true });
      for (const rows of files) await appendRows(table, rows);
      return table;
    };
    const figures = await classified({}, tableOf([overlapping.slice(0, 10), overlapping.slice(10)]));
    expect(figures).not.toContain("accuracy 100.00 %");
    const reversed = overlapping.toReversed();
    expect(await classified({}, tableOf([reversed.slice(0, 50), reversed.slice(50)]))).toBe(figures);
  });

  it("takes the coordinates of the newest basis, and says which it had to compute", async () => {
    const table = await writeFruitTable(emptyStore(), LOCATION, LABELS);
    await publishBasis(table, 1, [0, 1]);
    await publishBasis(table, 2, [2, 3]);
    const pair = { kind: "among", classes: ["cherry", "date"] } as const;
    const text = await classified({ features: "pca_features", task: pair, folder }, Promise.resolve(table));
    expect(text).toContain("40 rows were projected by older bases");
    expect(text).toContain("accuracy 100.00 %");
    expect(JSON.parse(await textOf("weights.json"))).toMatchObject({ features: "pca_features", pcaVersion: 2 });
  });

  it("gives the mean of a series, and a line for each", async () => {
    const text = await classified({ task: { kind: "pairs", count: 6 }, folder });
    expect(text).toMatch(/^mean of 6 +100\.00 +100\.00 +100\.00$/m);
    expect((await textOf("experiments.csv")).trim().split("\n")).toHaveLength(7);
  });

  it("leaves out rows without a label and rare labels, and says so", async () => {
    const table = await writeFruitTable(emptyStore(), LOCATION, LABELS);
    const row = { model: MODEL, features: new Float32Array(6) };
    await appendRows(table, [
      photoRow({ ...row, label: null }),
      photoRow({ ...row, label: "fig", path: "s3://photos/f" }),
    ]);
    const text = await classified({}, Promise.resolve(table));
    expect(text).toContain("left out: 1 rows without a label");
    expect(text).toContain("left out: 1 labels with fewer than 5 rows");
  });

  it("is refused where no row has a label", async () => {
    const table = writeFruitTable(emptyStore(), LOCATION, LABELS, { label: null });
    await expect(classified({}, table)).rejects.toThrow(/none of 80 rows has a label; photos take theirs from/);
  });

  it("is refused a learning curve of a series", async () => {
    const request = { task: { kind: "pairs", count: 2 }, learningCurve: true } as const;
    await expect(classified(request)).rejects.toThrow(/--learning-curve is of one classification/);
  });

  it("trains with a cost of its own, and says so beside the weights", async () => {
    const options = { trainShare: 0.7, passesMax: 100, seed: 20 };
    await classified({ folder });
    const usual = JSON.parse(await textOf("weights.json"));
    await classified({ options: { ...options, cost: 0.001 }, folder });
    const soft = JSON.parse(await textOf("weights.json"));
    expect([usual.cost, soft.cost]).toEqual([1, 0.001]);
    // A smaller price of missed margins has wider margins: shorter weights.
    const norm = ({ machines }: { machines: { weights: number[] }[] }) => Math.hypot(...machines[0]!.weights);
    expect(norm(soft)).toBeLessThan(norm(usual) / 2);
  });
});

describe("a given split", () => {
  const split = { trainPrefix: "Training", testPrefix: "Test" };
  /** Four rows of each label to train on and two to test with; a label `fig` of the training folder alone. */
  async function splitTable() {
    const table = await openTable(emptyStore(), LOCATION, { createIfAbsent: true });
    const rowOf = (label: string, index: number, place: string) =>
      photoRow({
        model: MODEL,
        label,
        path: `s3://photos/fruit/${place}/${label}/${index}.jpg`,
        features: Float32Array.from(
          { length: 6 },
          (_, column) => Number(column === index % 6) / 10 + Number(column === label.length % 6),
        ),
      });
    await appendRows(table, [
      ...["apple", "banana"].flatMap((label) =>
        Array.from({ length: 6 }, (_, row) => rowOf(label, row, row < 4 ? "Training" : "Test")),
      ),
      ...Array.from({ length: 6 }, (_, row) => rowOf("figs", row, "Training")),
      rowOf("apple", 9, "Tests"),
    ]);
    return table;
  }

  it("trains and tests on the photos in its folders, and on no others", async () => {
    const text = await classified({ split, folder }, splitTable());
    expect(text).toContain("left out: 1 rows below neither --train-prefix nor --test-prefix");
    expect(text).toContain("trained on 8 rows, tested on 4\n");
    const weights = JSON.parse(await textOf("weights.json"));
    expect(weights).toMatchObject({ trainShare: null, ...split, classes: ["apple", "banana"] });
  });

  it("leaves the rest to the other part when it names one", async () => {
    const text = await classified({ split: { testPrefix: "s3://photos/fruit/Test/" } }, splitTable());
    expect(text).toContain("trained on 9 rows, tested on 4\n");
  });

  it.each([
    [
      { testPrefix: "Tast" },
      /no row that is classified lies below --test-prefix "Tast"; all photos lie in s3:\/\/photos\/fruit\//,
    ],
    [{ trainPrefix: "Training", testPrefix: "Training/apple" }, /lies below --train-prefix and --test-prefix/],
  ])("is refused when it divides nothing: %o", async (wrong, message) => {
    await expect(classified({ split: wrong }, splitTable())).rejects.toThrow(message);
  });

  it("is refused for a class that lies in one folder only", async () => {
    const task = { kind: "among", classes: ["apple", "figs"] } as const;
    await expect(classified({ split, task }, splitTable())).rejects.toThrow(/"figs" has no row to test with/);
  });
});
