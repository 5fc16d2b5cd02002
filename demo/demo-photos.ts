import { stat } from "node:fs/promises";
import { join } from "node:path";
import { UNLABELLED_FOLDERS } from "#lib/photo/photo-label.ts";
import { photoNames } from "#lib/photo/photo-suffixes.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { DemoDeps, DemoOptions } from "./demo-options.ts";
import { drawSamples } from "./photos/draw-samples.ts";

/** Gets the photos and the tables of demos on servers. */
export const DEMO_BUCKET = "fruitstream";

/** Which files of a folder are photos, and which folders are no labels. */
export const PHOTO_RULES = { names: photoNames(), unlabelled: new RegExp(UNLABELLED_FOLDERS) };

/** A photo as a phone app might send it; the model in the box takes fewer pixels. */
const SYNTHETIC_SIDE_PX = 160;
const SYNTHETIC_SEED = 1;

/** @throws usage when a folder of photos is named that is none. */
export async function requirePhotos({ photos }: DemoOptions): Promise<void> {
  if (typeof photos !== "string") return;
  const found = await stat(photos).catch(() => undefined);
  if (!found?.isDirectory()) throw new FruitstreamError("usage", `--photos must be a folder, got "${photos}"`);
}

/** The folder of photos: the one that was named, or one in the demo's folder with drawn photos, which stays. */
export async function findOrDrawPhotos(
  { photos }: DemoOptions,
  demoFolder: string,
  { note, onProgress, signal }: DemoDeps,
): Promise<string> {
  if (typeof photos === "string") return photos;
  const count = photos.syntheticCount;
  const folder = join(demoFolder, "synthetic-photos");
  note(`no --photos: drawing ${count} synthetic ones`);
  const set = { folder, count, seed: SYNTHETIC_SEED, sidePx: SYNTHETIC_SIDE_PX };
  await drawSamples(set, signal, (drawn) => onProgress(() => `${drawn} of ${count} synthetic photos drawn`));
  return folder;
}
