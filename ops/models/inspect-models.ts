import { stat } from "node:fs/promises";
import { openPhotoModel } from "#lib/model/inference/photo-model.ts";
import { type DescribedModel, describeModel, loadModelFolder } from "#lib/model/model-folder.ts";
import { listModelFolders } from "#lib/model/model-places.ts";
import { megabytes } from "./fetch-model.ts";

/** Prints a line per model that comes with the project. */
export async function listModels(): Promise<void> {
  const models = await Promise.all((await listModelFolders()).map((folder) => describeModel(folder)));
  console.table(await Promise.all(models.map(modelLine)));
}

/** Prints a model's manifest and where its parts are. */
export async function showModel(nameOrFolder: string): Promise<void> {
  const model = await describeModel(nameOrFolder);
  console.log(JSON.stringify(model.manifest, undefined, 2));
  console.log(`id:     ${model.id ?? "unknown until its file is read: `models verify` does it"}`);
  console.log(`folder: ${model.folder}`);
  console.log(`file:   ${model.onnxPath} (${fileState(model)})`);
  console.log(`labels: ${model.labels?.length ?? "none"}`);
}

/**
 * Hashes a model's file, opens it, runs it once and prints its id and the length of its vectors.
 *
 * @throws invalid-model.
 */
export async function verifyModel(nameOrFolder: string): Promise<void> {
  const model = await loadModelFolder(nameOrFolder);
  const opened = await openPhotoModel(model, 1);
  await opened.release();
  const classes = model.labels === null ? "no classes" : `${model.labels.length} classes`;
  console.log(`${model.id}: ${opened.featureDimension} features, ${classes}, ${model.onnxPath}`);
}

async function modelLine(model: DescribedModel) {
  const { manifest, onnxPath, isPresent } = model;
  const bytes = isPresent ? (await stat(onnxPath)).size : manifest.download?.bytes;
  return {
    name: manifest.name,
    id: model.id ?? "",
    dimension: manifest.dimension ?? "",
    size: bytes === undefined ? "" : megabytes(bytes),
    file: fileState(model),
    licence: manifest.licence ?? "",
  };
}

function fileState({ manifest, isPresent }: DescribedModel): string {
  if (!isPresent) return manifest.download ? "not fetched" : "missing";
  return manifest.download ? "fetched" : "in the box";
}
