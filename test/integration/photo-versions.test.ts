import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { colouredPhoto, TinyPipeline } from "./tiny-pipeline.ts";

const PHOTOS = 12;

let pipeline: TinyPipeline;
beforeEach(async () => {
  pipeline = await TinyPipeline.open(3);
});
afterEach(() => pipeline.close());

test("a folder uploaded and listed again and again is one row a photo; other bytes under a key are another", async () => {
  const folder = join(pipeline.folder, "Kiwi");
  await mkdir(folder);
  for (let index = 0; index < PHOTOS; index++) {
    await writeFile(join(folder, `${index}.jpg`), await colouredPhoto(index));
  }
  const prefix = `${pipeline.id}/photos/`;
  const ingest = async (...args: string[]) => JSON.parse((await pipeline.cli("ingest", ...args, "--json")).stdout);
  const upload = (...options: string[]) => ingest("upload", folder, "--prefix", prefix, ...options);
  const backfill = (...options: string[]) => ingest("backfill", pipeline.photoUri(prefix), ...options);

  const model = await pipeline.model("mean", 1);
  pipeline.start("featurizer", { FEATURIZER_MODEL_DIR: model });
  for (let reducer = 0; reducer < 2; reducer++) pipeline.start("reducer");
  expect(await upload()).toMatchObject({ announced: PHOTOS, uploaded: PHOTOS, existing: 0, known: 0 });
  // Nothing is in the table for sure yet, so some of these may be announced a second time.
  await backfill();
  await settled();
  expect(await rows()).toBe(PHOTOS);

  expect(await upload()).toMatchObject({ announced: 0, uploaded: 0, existing: PHOTOS, known: PHOTOS });
  expect(await backfill()).toMatchObject({ announced: 0, known: PHOTOS });
  const before = await known();
  expect(await upload("--announce-existing")).toMatchObject({ announced: PHOTOS, uploaded: 0, known: 0 });
  expect(await backfill("--announce-existing")).toMatchObject({ announced: PHOTOS, known: 0 });
  await settled();
  expect(await rows()).toBe(PHOTOS);
  expect(await known()).toBe(before + 2 * PHOTOS);

  await writeFile(join(folder, "0.jpg"), await colouredPhoto(PHOTOS));
  expect(await upload()).toMatchObject({ announced: 1, uploaded: 1, existing: PHOTOS - 1, known: PHOTOS - 1 });
  await settled();
  expect(await rows()).toBe(PHOTOS + 1);
});

test("without a table everything is announced, and says so", async () => {
  await pipeline.announce(2);
  const nowhere = pipeline.photoUri(`${pipeline.id}/no-table`);
  const listed = await pipeline.cli("ingest", "backfill", pipeline.photoUri(pipeline.id), "--table", nowhere, "--json");
  expect(listed.stderr).toContain(`there is no table at ${nowhere} yet: announcing all photos`);
  expect(JSON.parse(listed.stdout)).toMatchObject({ announced: 2, known: 0 });
});

async function settled(): Promise<void> {
  await pipeline.untilFeaturized();
  expect((await pipeline.cli("flush")).code).toBe(0);
}

async function rows(): Promise<number> {
  return (await pipeline.rows()).length;
}

async function known(): Promise<number> {
  return JSON.parse((await pipeline.cli("status", "--json")).stdout).table.known;
}
