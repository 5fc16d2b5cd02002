import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { expect, onTestFinished, test } from "vitest";
import { evenlySpaced, readPhotoSet } from "#ops/models/photo-set.ts";

const decode = { input: { width: 8, height: 8, resize: "stretch" as const }, pixelsMax: 1_000 };

test("a photo set holds what can be decoded, labelled by folder", async () => {
  const folder = await mkdtemp(join(tmpdir(), "fruitstream-photos-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  await expect(readPhotoSet(folder, 9, decode)).rejects.toMatchObject({ code: "usage" });
  const png = await sharp({ create: { width: 4, height: 4, channels: 3, background: "red" } })
    .png()
    .toBuffer();
  for (const label of ["kiwi", "lime"]) {
    await mkdir(join(folder, label));
    await writeFile(join(folder, label, "a.png"), png);
    await writeFile(join(folder, label, "notes.txt"), "no photo");
  }
  await writeFile(join(folder, "kiwi", "broken.png"), png.subarray(0, 30));
  const photos = await readPhotoSet(folder, 9, decode);
  expect(photos.map(({ label }) => label)).toEqual(["kiwi", "lime"]);
});

test.each([
  { count: 3, expected: [0, 3, 6] },
  { count: 4, expected: [0, 2, 4, 6] },
  { count: 20, expected: [0, 1, 2, 3, 4, 5, 6, 7, 8] },
])("$count of nine are spread over all", ({ count, expected }) => {
  expect(evenlySpaced([0, 1, 2, 3, 4, 5, 6, 7, 8], count)).toEqual(expected);
});
