import { readFile } from "node:fs/promises";
import { openPhotoModel, type PhotoModel, type PhotoVector } from "#lib/model/inference/photo-model.ts";
import type { ModelManifest } from "#lib/model/manifest.ts";
import { loadModelFolder } from "#lib/model/model-folder.ts";
import { decodePhoto } from "#lib/photo/decode-photo.ts";
import { type DeadLetterReason, deadLetterReasonOf, FruitstreamError } from "#lib/runtime/errors.ts";

/** What a model says of a photo, or why a featurizer would set the photo aside. */
export type TriedPhoto = { readonly path: string } & (
  | { readonly vector: PhotoVector }
  | { readonly reason: DeadLetterReason; readonly detail: string }
);

/**
 * Runs photos through a model, one after the other, as a featurizer would.
 *
 * @throws usage for a file that can't be read; invalid-model.
 */
export async function* tryPhotos(nameOrFolder: string, paths: readonly string[]): AsyncGenerator<TriedPhoto> {
  const model = await loadModelFolder(nameOrFolder);
  const opened = await openPhotoModel(model, 1);
  try {
    for (const path of paths) yield await tryPhoto(opened, model.manifest, path);
  } finally {
    await opened.release();
  }
}

async function tryPhoto(opened: PhotoModel, { input }: ModelManifest, path: string): Promise<TriedPhoto> {
  try {
    const [outcome] = await opened.infer([await decodePhoto(await readPhoto(path), { input })]);
    if (outcome && "vector" in outcome) return { path, vector: outcome.vector };
    throw new FruitstreamError("invalid-features", outcome?.invalidFeatures ?? "no outcome");
  } catch (error) {
    const reason = deadLetterReasonOf(error);
    if (reason === undefined) throw error;
    return { path, reason, detail: (error as Error).message };
  }
}

async function readPhoto(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new FruitstreamError("usage", `can't read the photo ${path}: ${String(cause)}`, { cause });
  }
}
