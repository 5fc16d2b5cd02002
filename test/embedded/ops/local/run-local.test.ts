import { mkdtemp, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type LocalProgress, runLocal } from "#ops/local/run-local.ts";
import { quietDeps } from "../../../fakes/quiet-deps.ts";
import { writeTinyModel } from "../../../faults/tiny-model.ts";
import { columnDeviation } from "../../../unit/lib/pca/column-deviation.ts";
import { renderPhoto, rowsOf, writePhotos } from "./local-fixtures.ts";

describe("local", { timeout: 120_000 }, () => {
  let scratch: string;
  let photos: string;
  let out: string;

  beforeEach(async () => {
    scratch = await mkdtemp(join(tmpdir(), "fruitstream-local-"));
    photos = join(scratch, "photos");
    out = join(scratch, "out");
    await writeTinyModel(join(scratch, "model"));
    await writePhotos(photos, 0, 12);
  });
  afterEach(() => rm(scratch, { recursive: true }));

  const run = (options: { photos?: string; model?: string } = {}, signal?: AbortSignal) =>
    runLocal({ photos, model: join(scratch, "model"), out, components: 2, ...options }, quietDeps(signal));
  const rows = () => rowsOf(out, join(scratch, "reading"));

  it("makes a row of each photo, with the path of its file and its folder as label", async () => {
    expect(await run()).toMatchObject({
      announced: 12,
      known: 0,
      leftOver: 0,
      rowsAdded: 12,
      rows: 12,
      deadLetters: [],
    });
    const found = await rows();
    expect(found.map(({ path }) => path).sort()).toEqual(
      Array.from({ length: 12 }, (_, index) => `file://${photos}/apple/${String(index).padStart(4, "0")}.png`),
    );
    expect(found[0]).toMatchObject({ label: "apple", width: 8, height: 8, pca_version: 1 });
    expect(found[0]!.pca_features).toHaveLength(2);
  });

  it("leaves the column of one basis that is the batch PCA of all rows, whenever the photos came", async () => {
    const expectBatchPca = async (rowCount: number, components: number) => {
      const found = await rows();
      expect(found).toHaveLength(rowCount);
      expect(new Set(found.map((row) => row.pca_version)).size).toBe(1);
      expect(found.every((row) => (row.pca_features as Float32Array).length === components)).toBe(true);
      expect(columnDeviation(found, components)).toBeLessThan(1e-5);
    };
    await run();
    await expectBatchPca(12, 2);
    await writePhotos(photos, 12, 5);
    await run();
    await expectBatchPca(17, 2);
    const steps: LocalProgress[] = [];
    await runLocal(
      { photos, model: join(scratch, "model"), out, components: 3 },
      { ...quietDeps(), onProgress: (progress) => steps.push(progress) },
    );
    await expectBatchPca(17, 3);
    expect(steps.at(-1)).toMatchObject({ step: "projecting", rows: 17 });
    const { tableVersion } = await run();
    await expectBatchPca(17, 2);
    expect(await run()).toMatchObject({ tableVersion });
  });

  it("takes each photo's time from its EXIF, or from its file", async () => {
    const [taken, modified] = [join(photos, "apple", "0000.png"), join(photos, "apple", "0001.png")];
    const exif = { IFD2: { DateTimeOriginal: "2023:07:14 02:15:12", OffsetTimeOriginal: "+05:30" } };
    await writeFile(taken, await sharp(taken).withExif(exif).toBuffer());
    await utimes(modified, 1_000_000, 1_000_000);
    await run();
    const timeOf = async (path: string) => {
      const { captured_at, captured_at_source } = (await rows()).find((row) => row.path === `file://${path}`)!;
      return [captured_at, captured_at_source];
    };
    expect(await timeOf(taken)).toEqual([new Date("2023-07-13T20:45:12Z"), "exif"]);
    expect(await timeOf(modified)).toEqual([new Date(1_000_000_000), "object"]);
  });

  it("adds only what is new, and changes nothing when nothing is", async () => {
    const first = await run();
    expect(await run()).toMatchObject({ announced: 0, known: 12, rowsAdded: 0, tableVersion: first.tableVersion });
    await writePhotos(photos, 12, 3);
    await writeFile(join(photos, "apple", "0005.png"), await renderPhoto(500));
    expect(await run()).toMatchObject({ announced: 4, known: 11, rowsAdded: 4, rows: 16 });
    const paths = (await rows()).map(({ path }) => String(path));
    expect(paths.filter((path) => path.endsWith("/0005.png"))).toHaveLength(2);
  });

  it("sets aside what can't be decoded, once", async () => {
    await writeFile(join(photos, "apple", "text.jpg"), "no photo");
    await writeFile(join(photos, "apple", "notes.txt"), "no photo either");
    const { deadLetters, ...counts } = await run();
    expect(counts).toMatchObject({ announced: 13, skipped: 1, rowsAdded: 12 });
    expect(deadLetters.map(({ reason }) => reason)).toEqual(["unsupported-format"]);
    // Nothing new is set aside, and what is missing is still told.
    const again = { announced: 0, known: 13, rowsAdded: 0, deadLetters: [], deadLettersOpen: 1 };
    expect(await run()).toMatchObject(again);
  });

  it("keeps the vectors of several models in one folder", async () => {
    await run();
    const other = join(scratch, "other");
    await writeTinyModel(other);
    const manifest = JSON.parse(await readFile(join(other, "model.json"), "utf8"));
    await writeFile(join(other, "model.json"), JSON.stringify({ ...manifest, name: "other" }));
    expect(await run({ model: other })).toMatchObject({ announced: 12, rowsAdded: 12, rows: 24 });
    expect(new Set((await rows()).map(({ model }) => model)).size).toBe(2);
    expect(await run()).toMatchObject({ announced: 0, rowsAdded: 0 });
  });

  it("ends with the signal's reason, and goes on the next time", async () => {
    const interruption = new AbortController();
    const running = run({}, interruption.signal);
    interruption.abort(new Error("enough"));
    await expect(running).rejects.toThrow("enough");
    expect(await run()).toMatchObject({ rows: 12 });
    expect(new Set((await rows()).map(({ path }) => path)).size).toBe(12);
  });

  it("refuses a folder whose table or state was removed", async () => {
    await run();
    await rm(join(out, "table"), { recursive: true });
    await expect(run()).rejects.toThrow(/table was removed or replaced/);
    await rm(out, { recursive: true });
    await run();
    await rm(join(out, ".fruitstream"), { recursive: true });
    await expect(run()).rejects.toThrow(/\.fruitstream was removed or replaced/);
  });

  it("tells how far it has come, step by step", async () => {
    const steps: LocalProgress[] = [];
    const onProgress = (progress: LocalProgress) => steps.push(progress);
    await runLocal({ photos, model: join(scratch, "model"), out, components: 2 }, { ...quietDeps(), onProgress });
    expect(steps).toContainEqual({ step: "announcing", announced: 12, known: 0 });
    expect(steps.at(-1)).toMatchObject({ step: "featurizing", photos: 12, featurized: 12 });
  });

  it("refuses an output folder that can't be one", async () => {
    await writeFile(out, "a file");
    await expect(run()).rejects.toMatchObject({ code: "usage", message: expect.stringContaining("--out must be") });
  });

  it("refuses photos that are no folder", async () => {
    await expect(run({ photos: join(scratch, "nothing") })).rejects.toMatchObject({ code: "usage" });
  });
});
