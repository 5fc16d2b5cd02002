import { describe, expect, it } from "vitest";
import {
  readCoordinates,
  readFeatureVectors,
  requireNewestBasis,
  type TableVector,
} from "#analysis/vectors/read-vectors.ts";
import { photoRow } from "../../lib/table/photo-rows.ts";
import { emptyStore, LOCATION } from "../../lib/table/table-fixtures.ts";
import { appendRows, MODEL, publishBasis, writeFruitTable } from "./fruit-table.ts";

const SUBJECT = { model: MODEL, run: "live" };

describe("the vectors of a model and run", () => {
  it("are all of theirs and nobody else's, with their labels", async () => {
    const table = await writeFruitTable(emptyStore(), LOCATION, ["apple", "banana"]);
    await appendRows(table, [
      photoRow(),
      photoRow({ model: MODEL, run: "again" }),
      photoRow({ model: MODEL, label: null }),
    ]);
    const rows = await toArray(readFeatureVectors(table, SUBJECT));
    expect(Map.groupBy(rows, ({ label }) => label).size).toBe(3);
    expect(rows).toHaveLength(41);
    expect(new Set(rows.map(({ path }) => path)).size).toBe(41);
    expect(rows.filter(({ label }) => label === "apple").every(({ vector }) => vector[0]! > 2)).toBe(true);
  });

  it("are in the newest basis, whichever basis projected them", async () => {
    const table = await writeFruitTable(emptyStore(), LOCATION, ["apple", "banana"], { pcaVersion: 1 });
    await publishBasis(table, 1, [0, 1]);
    await publishBasis(table, 2, [1, 0]);
    const current = { model: MODEL, sourceOffset: 99, pcaFeatures: Float32Array.of(7, 8), pcaVersion: 2 };
    await appendRows(table, [
      photoRow(current),
      photoRow({ ...current, pcaFeatures: null, pcaVersion: null, features: new Float32Array(6) }),
    ]);

    const basis = await requireNewestBasis(table, SUBJECT);
    expect(basis.version).toBe(2);
    const rows = await toArray(readCoordinates(table, SUBJECT, basis));
    expect(rows.filter(({ reprojected }) => reprojected)).toHaveLength(41);
    expect(rows.at(-2)).toMatchObject({ vector: Float32Array.of(7, 8), reprojected: false });
    expect(rows.at(-1)).toMatchObject({ vector: Float32Array.of(0, 0), reprojected: true });
    const apple = (await toArray(readFeatureVectors(table, SUBJECT)))[0]!;
    const same = rows.find(({ path }) => path === apple.path)!;
    expect(same.vector).toEqual(Float32Array.of(apple.vector[1]!, apple.vector[0]!));
  });

  it("have no coordinates without a basis", async () => {
    const table = await writeFruitTable(emptyStore(), LOCATION, ["apple"]);
    await expect(requireNewestBasis(table, SUBJECT)).rejects.toThrow(/no PCA basis of model clouds-0a1b2c3d, run live/);
  });
});

async function toArray(rows: AsyncIterable<TableVector>): Promise<TableVector[]> {
  const all: TableVector[] = [];
  for await (const row of rows) all.push(row);
  return all;
}
