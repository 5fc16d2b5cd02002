import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
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
    const request = { model: "clouds", run: "live", folder: join(folder, "new", "folder") };
    const plots = await plotTable({ place: "s3://tables/fruit", table }, request);
    expect(plots).toMatchObject({ model: "clouds-0a1b2c3d", rows: 40, points: 40, reprojectedRows: 40, basis: 2 });
    expect(plots.files).toEqual(["pca-scatter.svg", "pca-scree.svg"].map((name) => join(request.folder, name)));
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

  it("show other components, and more labels than have a colour, each by itself", async () => {
    const labels = Array.from({ length: 13 }, (_, index) => `apple ${index + 1}`);
    const table = await writeFruitTable(emptyStore(), LOCATION, labels);
    await publishBasis(table, 1, [3, 1]);
    const request = { model: "clouds", run: "live", folder, components: [2, 1] as const };
    await plotTable({ place: "s3://tables/fruit", table }, request);
    const grouped = await readFile(join(folder, "pca-scatter.svg"), "utf8");
    expect(grouped).toContain("Photos by their principal components 2 and 1");
    expect(grouped.indexOf("principal component 2 (30.0 %")).toBeLessThan(
      grouped.indexOf("principal component 1 (60.0 %"),
    );
    expect(grouped).toContain("first word (rows)");

    await plotTable({ place: "s3://tables/fruit", table }, { ...request, groups: false });
    const apart = await readFile(join(folder, "pca-scatter.svg"), "utf8");
    expect(apart).toContain("label (rows)");
    expect(apart).toContain("others (40)");
    const beyond = plotTable({ place: "s3://tables/fruit", table }, { ...request, components: [1, 3] });
    await expect(beyond).rejects.toThrow("basis 1 has 2 components, and --components asks for 3");
  });

  it("are PNG when that is asked for, of twice the size", async () => {
    const table = await fruitTable();
    await publishBasis(table, 1, [0, 1]);
    const request = { model: "clouds", run: "live", folder } as const;
    await plotTable({ place: "s3://tables/fruit", table }, request);
    const { files } = await plotTable({ place: "s3://tables/fruit", table }, { ...request, format: "png" });
    const [, width] = /width="(\d+)"/.exec(await readFile(join(folder, "pca-scatter.svg"), "utf8"))!;
    const picture = await sharp(files[0]).metadata();
    expect(picture.format).toBe("png");
    expect(picture.width / Number(width)).toBeCloseTo(2, 1);
  });

  it("are refused while there is no basis", async () => {
    const named = { place: "s3://tables/fruit", table: await fruitTable() };
    const request = { model: "clouds", run: "live", folder };
    await expect(plotTable(named, request)).rejects.toThrow(/no PCA basis of model/);
  });
});
