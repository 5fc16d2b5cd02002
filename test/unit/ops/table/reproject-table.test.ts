import { describe, expect, it } from "vitest";
import { BasisStore } from "#lib/table/basis-store.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { openTable } from "#lib/table/open-table.ts";
import { readRows } from "#lib/table/table-files.ts";
import { reprojectTable, subjectsOf } from "#ops/table/reproject-table.ts";
import { appendRows, MODEL, publishBasis, writeFruitTable } from "../../analysis/vectors/fruit-table.ts";
import { columnDeviation } from "../../lib/pca/column-deviation.ts";
import { photoRow } from "../../lib/table/photo-rows.ts";
import { emptyStore, LOCATION } from "../../lib/table/table-fixtures.ts";

const LABELS = ["apple", "banana", "cherry"];
const SUBJECT = { model: MODEL, run: "live" };

describe("reprojectTable", () => {
  it("projects all rows onto the newest basis that is published", async () => {
    const table = await writeFruitTable(emptyStore(), LOCATION, LABELS);
    await publishBasis(table, 1, [0, 1]);
    await publishBasis(table, 2, [2, 3]);
    const { version, files, rows, bases } = await reprojectTable(table, { subjects: [SUBJECT] });
    expect({ version, files, rows }).toEqual({ version: 3, files: 2, rows: 60 });
    expect(bases).toMatchObject([{ ...SUBJECT, basis: { version: 2 } }]);
    for (const row of await rowsOf(table)) {
      expect(row.pca_features).toEqual((row.features as Float32Array).slice(2, 4));
      expect(row.pca_version).toBe(2);
    }
  });

  it.each([1, 3, 6])("fits a basis of %d components to all rows, as a batch PCA does", async (components) => {
    const table = await writeFruitTable(emptyStore(), LOCATION, LABELS);
    await publishBasis(table, 1, [0, 1]);
    const { bases } = await reprojectTable(table, { subjects: [SUBJECT], components });
    expect(bases).toMatchObject([{ basis: { version: 2, componentCount: components, rowCount: 60 } }]);
    const rows = await rowsOf(table);
    expect(new Set(rows.map((row) => row.pca_version))).toEqual(new Set([2]));
    expect(rows.every((row) => (row.pca_features as Float32Array).length === components)).toBe(true);
    expect(columnDeviation(rows, components)).toBeLessThan(1e-6);
  });

  it("changes nothing when it is run again", async () => {
    const table = await writeFruitTable(emptyStore(), LOCATION, LABELS);
    await publishBasis(table, 1, [0, 1]);
    await reprojectTable(table, { subjects: [SUBJECT], components: 3 });
    const again = await reprojectTable(table, { subjects: [SUBJECT], components: 3 });
    expect(again).toMatchObject({ version: 3, files: 0, rows: 0, bases: [{ basis: { version: 2 } }] });
  });

  it("fits anew when rows were added, and when rows were exchanged for as many others", async () => {
    const table = await writeFruitTable(emptyStore(), LOCATION, LABELS);
    const first = await reprojectTable(table, { subjects: [SUBJECT], components: 2 });
    const added = photoRow({ model: MODEL, features: Float32Array.of(9, 8, 7, 6, 5, 4), sourceOffset: 60 });
    await appendRows(table, [added]);
    const second = await reprojectTable(table, { subjects: [SUBJECT], components: 2 });
    await deleteFileOf(table, 60);
    await appendRows(table, [{ ...added, features: Float32Array.of(-4, 0, 0, 0, 0, 0), sourceOffset: 61 }]);
    const third = await reprojectTable(table, { subjects: [SUBJECT], components: 2 });
    const ofRows = [first, second, third].map(({ bases }) => [bases[0]!.basis.version, bases[0]!.basis.rowCount]);
    expect(ofRows).toEqual([
      [1, 60],
      [2, 61],
      [3, 61],
    ]);
  });

  it("writes nothing in a dry run", async () => {
    const table = await writeFruitTable(emptyStore(), LOCATION, LABELS);
    await publishBasis(table, 1, [0, 1]);
    const result = await reprojectTable(table, { subjects: [SUBJECT], components: 3, isDryRun: true });
    expect(result).toMatchObject({ version: 2, files: 2, rows: 60, bases: [{ basis: { componentCount: 3 } }] });
    expect(await new BasisStore(table, SUBJECT).refresh()).toMatchObject({ version: 1 });
    expect(table.snapshot.version).toBe(2);
  });

  it("refuses more components than vectors have values, before anything is written", async () => {
    const table = await writeFruitTable(emptyStore(), LOCATION, LABELS);
    const problem = `7 components of model ${MODEL} were asked for, whose vectors have 6 values; ask for at most 6, or name another --model`;
    await expect(reprojectTable(table, { subjects: [SUBJECT], components: 7 })).rejects.toThrow(problem);
    expect(table.snapshot.version).toBe(2);
  });

  it("leaves a model alone that has no basis yet", async () => {
    const table = await openTable(emptyStore(), LOCATION, { createIfAbsent: true });
    await appendRows(table, [photoRow({ pcaFeatures: null, pcaVersion: null })]);
    expect(await reprojectTable(table, { subjects: subjectsOf(table, {}), components: 2 })).toMatchObject({
      ...{ version: 1, files: 0, bases: [] },
    });
  });
});

describe("subjectsOf", () => {
  it("takes models by id or by name, and names those that there are when none is meant", async () => {
    const table = await writeFruitTable(emptyStore(), LOCATION, LABELS);
    await appendRows(table, [photoRow({ model: MODEL, run: "again" })]);
    const run = (model?: string, run?: string) => subjectsOf(table, { model, run }).map((subject) => subject.run);
    expect(run()).toEqual(["again", "live"]);
    expect(run("clouds")).toEqual(["again", "live"]);
    expect(run(MODEL, "live")).toEqual(["live"]);
    expect(() => run("fog")).toThrow(`choose with --model and --run: ${MODEL}, run again; ${MODEL}, run live`);
  });
});

async function rowsOf(table: DeltaTable): Promise<Record<string, unknown>[]> {
  const files = await Promise.all([...table.snapshot.files.values()].map((file) => readRows(table, file)));
  return files.flat();
}

/** Deletes the file that has this row alone. */
async function deleteFileOf(table: DeltaTable, sourceOffset: number): Promise<void> {
  const planned = table.plan();
  const rows = await Promise.all(
    [...planned.files.values()].map(async (file) => ({ file, rows: await readRows(table, file, ["source_offset"]) })),
  );
  const removes = rows
    .filter(({ rows }) => rows.length === 1 && rows[0]!.source_offset === sourceOffset)
    .map(({ file }) => file);
  const operation = { name: "DELETE", parameters: {} };
  await table.transact({ commitId: "delete", operation, reads: { planned }, removes, adds: [] });
}
