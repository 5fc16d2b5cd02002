import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { plotTable } from "#analysis/plot/plot-table.ts";
import { emptyStore, LOCATION } from "../../lib/table/table-fixtures.ts";
import { publishBasis, writeFruitTable } from "../vectors/fruit-table.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "fruitstream-plot-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const fruitTable = () => writeFruitTable(emptyStore(), LOCATION, ["apple", "ba<n&ana"]);

describe("plots of a table", () => {
  it("show every row with its label, in the newest basis, and the components' shares", async () => {
    const table = await fruitTable();
    await publishBasis(table, 1, [0, 1]);
    await publishBasis(table, 2, [1, 0]);
    const lines: string[] = [];
    const request = { model: "clouds", run: "live", folder: join(folder, "new", "folder") };
    await plotTable({ place: "s3://tables/fruit", table }, request, (line) => lines.push(line));

    expect(lines.slice(0, 2)).toEqual([
      "clouds-0a1b2c3d, run live: 40 rows, basis 2",
      "40 rows were projected by older bases, and are projected anew here",
    ]);
    const scatter = await readFile(join(request.folder, "pca-scatter.svg"), "utf8");
    expect(scatter.match(/aria-roledescription="point"/g)).toHaveLength(40);
    expect(scatter).toContain("principal component 1 (60.0 % of the variance)");
    expect(scatter).toContain("principal component 2 (30.0 % of the variance)");
    expect(scatter).toContain("apple (20)");
    expect(scatter).toContain("ba&lt;n&amp;ana (20)");
    const scree = await readFile(join(request.folder, "pca-scree.svg"), "utf8");
    expect(scree).toContain("60.0%");
    expect(scree).toContain("90.0%");
  });

  it("are refused while there is no basis", async () => {
    const named = { place: "s3://tables/fruit", table: await fruitTable() };
    const request = { model: "clouds", run: "live", folder };
    await expect(plotTable(named, request, () => undefined)).rejects.toThrow(/no PCA basis of model/);
  });
});
