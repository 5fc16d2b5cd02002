import { readFile } from "node:fs/promises";
import { InferencePool } from "#lib/model/inference/inference-pool.ts";
import { loadModelFolder } from "#lib/model/model-folder.ts";
import { decodePhoto } from "#lib/photo/decode-photo.ts";
import { defaultOf } from "#lib/runtime/config.ts";
import { featurizerConfig } from "#services/featurizer/config.ts";

/**
 * A program that does the least a featurizer must do before its first vector: load the model as often as there are
 * threads, decode one photo, infer. Arguments: model folder, photo, threads.
 */
const [modelFolder, photoPath, threads] = process.argv.slice(2) as [string, string, string];
const model = await loadModelFolder(modelFolder);
const batch = {
  batchPhotosMax: defaultOf(featurizerConfig.batchPhotosMax),
  batchWaitMsMax: 0,
};
const pool = await InferencePool.open({ model, workers: Number(threads), ...batch });
await pool.infer(await decodePhoto(await readFile(photoPath), { input: model.manifest.input }));
process.exit();
