import { readFile } from "node:fs/promises";
import { InferencePool } from "#lib/model/inference/inference-pool.ts";
import { loadModelFolder } from "#lib/model/model-folder.ts";
import { decodePhoto } from "#lib/photo/decode-photo.ts";
import { featurizerConfig } from "#services/featurizer/config.ts";

/**
 * A program that does the least a featurizer must do before its first vector: load the model as often as there are
 * threads, decode one photo, infer. Arguments: model folder, photo, threads.
 */
const [modelFolder, photoPath, threads] = process.argv.slice(2) as [string, string, string];
const model = await loadModelFolder(modelFolder);
const batch = {
  batchPhotosMax: featurizerConfig.FEATURIZER_BATCH_PHOTOS_MAX.parse(undefined),
  batchWaitMsMax: 0,
};
const pool = await InferencePool.open({ model, workers: Number(threads), ...batch });
const pixelsMax = featurizerConfig.FEATURIZER_PHOTO_PIXELS_MAX.parse(undefined);
await pool.infer(await decodePhoto(await readFile(photoPath), { input: model.manifest.input, pixelsMax }));
process.exit();
