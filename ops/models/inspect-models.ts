import { stat } from "node:fs/promises";
import { openPhotoModel } from "#lib/model/inference/photo-model.ts";
import type { ModelManifest } from "#lib/model/manifest.ts";
import { type DescribedModel, describeModel, loadModelFolder } from "#lib/model/model-folder.ts";
import { listModelFolders } from "#lib/model/model-places.ts";

/** Where a model's ONNX file is: in the model's folder, in the cache, still to be fetched, or nowhere. */
type ModelFileState = "in the box" | "fetched" | "not fetched" | "missing";

/** A model at a glance. What is not known before its file is read is null. */
export interface ModelSummary {
  readonly name: string;
  readonly id: string | null;
  /** Values of a vector. */
  readonly dimension: number | null;
  readonly bytes: number | null;
  readonly file: ModelFileState;
  readonly licence: string | null;
}

/** The models that come with the project. */
export async function listModels(): Promise<ModelSummary[]> {
  const models = await Promise.all((await listModelFolders()).map((folder) => describeModel(folder)));
  return Promise.all(models.map(summarise));
}

/** Everything that is known of a model without running it. */
export interface ModelDetails {
  readonly manifest: ModelManifest;
  /** Null until its file has been read. */
  readonly id: string | null;
  readonly folder: string;
  readonly path: string;
  readonly file: ModelFileState;
  /** How many labels it has; null without any. */
  readonly labels: number | null;
}

/** @throws invalid-model. */
export async function inspectModel(nameOrFolder: string): Promise<ModelDetails> {
  const model = await describeModel(nameOrFolder);
  return {
    manifest: model.manifest,
    id: model.id ?? null,
    folder: model.folder,
    path: model.onnxPath,
    file: fileState(model),
    labels: model.labels?.length ?? null,
  };
}

/** What running a model once has shown. */
export interface VerifiedModel {
  readonly id: string;
  readonly dimension: number;
  /** How many classes it tells apart; null without any. */
  readonly classes: number | null;
  readonly path: string;
}

/**
 * Hashes a model's file, opens it and runs it once.
 *
 * @throws invalid-model.
 */
export async function verifyModel(nameOrFolder: string): Promise<VerifiedModel> {
  const model = await loadModelFolder(nameOrFolder);
  const opened = await openPhotoModel(model, 1);
  await opened.release();
  const { id, labels, onnxPath } = model;
  return { id, dimension: opened.featureDimension, classes: labels?.length ?? null, path: onnxPath };
}

async function summarise(model: DescribedModel): Promise<ModelSummary> {
  const { manifest, onnxPath, isPresent } = model;
  return {
    name: manifest.name,
    id: model.id ?? null,
    dimension: manifest.dimension ?? null,
    bytes: isPresent ? (await stat(onnxPath)).size : (manifest.download?.bytes ?? null),
    file: fileState(model),
    licence: manifest.licence ?? null,
  };
}

function fileState({ manifest, isPresent }: DescribedModel): ModelFileState {
  if (!isPresent) return manifest.download ? "not fetched" : "missing";
  return manifest.download ? "fetched" : "in the box";
}
