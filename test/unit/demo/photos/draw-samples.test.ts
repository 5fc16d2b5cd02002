import { renameSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { drawSamples } from "#demo/photos/draw-samples.ts";
import { labelOfKey, UNLABELLED_FOLDERS } from "#lib/photo/photo-label.ts";

let place: string;
beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), "fruitstream-sample-"));
});
afterEach(() => rm(place, { recursive: true }));

const goOn = new AbortController().signal;

test("draws each photo into the folder of its kind, and says in the set that it is synthetic", async () => {
  const folder = join(place, "new", "set");
  const told: number[] = [];
  await drawSamples({ folder, count: 14, seed: 1, sidePx: 32 }, goOn, (drawn) => told.push(drawn));

  expect(told).toEqual(Array.from({ length: 14 }, (_, index) => index + 1));
  const photos = await photosIn(folder);
  expect(photos).toHaveLength(14);
  expect(photos).toContain("Apple (synthetic)/synthetic-apple-000013.jpg");
  const unlabelled = new RegExp(UNLABELLED_FOLDERS);
  for (const path of photos) {
    const label = labelOfKey(path, unlabelled);
    expect(label).toMatch(/ \(synthetic\)$/);
    expect(path).toContain(`synthetic-${label!.toLowerCase().split(" ")[0]}-`);
  }
  const readme = await readFile(join(folder, "README.txt"), "utf8");
  expect(readme).toContain("synthetic");
  expect(readme).toContain("--count 14 --seed 1 --size 32");
});

test("the same seed draws the same bytes, and a longer set begins like a shorter one", async () => {
  const [short, long, other] = [join(place, "short"), join(place, "long"), join(place, "other")];
  await drawSamples({ folder: short, count: 5, seed: 9, sidePx: 32 }, goOn);
  await drawSamples({ folder: long, count: 8, seed: 9, sidePx: 32 }, goOn);
  await drawSamples({ folder: other, count: 5, seed: 10, sidePx: 32 }, goOn);
  for (const path of await photosIn(short)) {
    const bytes = await readFile(join(short, path));
    expect(bytes.equals(await readFile(join(long, path)))).toBe(true);
    expect(bytes.equals(await readFile(join(other, path)))).toBe(false);
  }
});

test("makes no folder for kinds that a small set has none of", async () => {
  const folder = join(place, "set");
  await drawSamples({ folder, count: 2, seed: 1, sidePx: 32 }, goOn);
  expect((await readdir(folder)).sort()).toEqual(["Apple (synthetic)", "Banana (synthetic)", "README.txt"]);
});

test("refuses a folder that has something in it", async () => {
  await writeFile(join(place, "letter.txt"), "");
  await expect(drawSamples({ folder: place, count: 1, seed: 1, sidePx: 32 }, goOn)).rejects.toMatchObject({
    code: "usage",
    message: `"${place}" holds "letter.txt" already; name an empty or a new folder`,
  });
  expect(await readdir(place)).toEqual(["letter.txt"]);
});

test("refuses a folder that can't be made", async () => {
  const file = join(place, "file");
  await writeFile(file, "");
  const folder = join(file, "set");
  await expect(drawSamples({ folder, count: 1, seed: 1, sidePx: 32 }, goOn)).rejects.toMatchObject({
    code: "usage",
    message: expect.stringMatching(/^can't draw into ".*file.set": .*; name a folder that can be written to$/),
  });
});

test("a photo that can't be written ends the set with its path", async () => {
  const folder = join(place, "set");
  const drawing = drawSamples({ folder, count: 200, seed: 1, sidePx: 32 }, goOn, (drawn) => {
    if (drawn === 1) renameSync(join(folder, "Pear (synthetic)"), join(place, "Pear"));
  });
  await expect(drawing).rejects.toMatchObject({ code: "usage", message: expect.stringContaining("synthetic-pear-") });
});

test("stops when it is interrupted, leaving whole photos only", async () => {
  const folder = join(place, "set");
  const interruption = new AbortController();
  const drawing = drawSamples({ folder, count: 1_000, seed: 1, sidePx: 32 }, interruption.signal, (drawn) => {
    if (drawn === 3) interruption.abort(new Error("interrupted"));
  });
  await expect(drawing).rejects.toThrow("interrupted");
  const photos = await photosIn(folder);
  expect(photos.length).toBeGreaterThanOrEqual(3);
  expect(photos.length).toBeLessThan(20);
  for (const path of photos) {
    const end = (await readFile(join(folder, path))).subarray(-2);
    expect([...end]).toEqual([0xff, 0xd9]);
  }
});

async function photosIn(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  return names.filter((name) => name.endsWith(".jpg")).sort();
}
