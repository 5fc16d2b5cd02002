import { readFile } from "node:fs/promises";
import { openPhotoModel, type PhotoVector } from "#lib/model/inference/photo-model.ts";
import { loadModelFolder } from "#lib/model/model-folder.ts";
import { decodePhoto } from "#lib/photo/decode-photo.ts";
import { defaultOf } from "#lib/runtime/config.ts";
import { deadLetterReasonOf, FruitstreamError } from "#lib/runtime/errors.ts";
import { featurizerConfig } from "#services/featurizer/config.ts";

/**
 * Prints what a model says of photos, one after the other: the norm of the vector, and the best labels.
 *
 * @returns how many photos had to be refused, each with a line that says why.
 */
export async function tryPhotos(nameOrFolder: string, paths: readonly string[]): Promise<number> {
  const model = await loadModelFolder(nameOrFolder);
  const opened = await openPhotoModel(model, 1);
  const pixelsMax = defaultOf(featurizerConfig.photoPixelsMax);
  let refused = 0;
  for (const path of paths) {
    try {
      const photo = await decodePhoto(await readPhoto(path), { input: model.manifest.input, pixelsMax });
      const [outcome] = await opened.infer([photo]);
      if (!outcome || !("vector" in outcome)) {
        throw new FruitstreamError("invalid-features", outcome?.invalidFeatures ?? "no outcome");
      }
      console.log(`${path}  ${describeVector(outcome.vector)}`);
    } catch (error) {
      if (deadLetterReasonOf(error) === undefined) throw error;
      refused += 1;
      console.log(`${path}  ${deadLetterReasonOf(error)}: ${(error as Error).message}`);
    }
  }
  await opened.release();
  return refused;
}

/** As "norm 26.13  lemon 0.812, orange 0.103". */
export function describeVector({ features, predictions }: PhotoVector): string {
  const norm = `norm ${Math.hypot(...features).toFixed(2)}`;
  const best = predictions?.map(({ label, score }) => `${label} ${score.toFixed(3)}`).join(", ");
  return best === undefined ? norm : `${norm}  ${best}`;
}

async function readPhoto(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new FruitstreamError("usage", `can't read the photo ${path}: ${String(cause)}`, { cause });
  }
}
