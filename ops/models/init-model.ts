import { readFile, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { openPhotoModel } from "#lib/model/inference/photo-model.ts";
import { loadModelFolder } from "#lib/model/model-folder.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { type Finding, guessManifest } from "./guess-manifest.ts";

export interface InitModelOptions {
  /** The ONNX file; its folder becomes the model folder. */
  readonly onnxPath: string;
  /** A text file with one label per line, in the order of the classes. */
  readonly labelsPath: string | undefined;
  /** The model's name; the file's without its suffix when not given. */
  readonly name: string | undefined;
}

export interface InitModelResult {
  readonly manifestPath: string;
  readonly id: string;
  /** The length of a vector, as the network gave it. */
  readonly dimension: number;
  readonly facts: readonly Finding[];
  /** What a person must compare with the network's training. */
  readonly guesses: readonly Finding[];
}

/**
 * Writes a first `model.json` beside an ONNX file, from what the graph says and what is usual, and runs the model once
 * with it. Nothing is left behind when the model doesn't run.
 *
 * @throws usage when a file can't be read or there is a `model.json` already; invalid-model when the graph takes no
 * photos, gives no vectors, or doesn't run.
 */
export async function initModel({ onnxPath, labelsPath, name }: InitModelOptions): Promise<InitModelResult> {
  const folder = dirname(resolve(onnxPath));
  const labels =
    labelsPath === undefined
      ? undefined
      : String(await readInput(labelsPath))
          .trimEnd()
          .split(/\r?\n/);
  const guessed = guessManifest(await readInput(onnxPath), labels?.length);
  const manifest = {
    name: name ?? nameOf(onnxPath),
    onnx: basename(onnxPath),
    input: guessed.input,
    scaling: guessed.scaling,
    outputs: guessed.outputs,
    ...(labelsPath !== undefined && { labels: relative(folder, resolve(labelsPath)) }),
  };
  const manifestPath = join(folder, "model.json");
  await writeNew(manifestPath, manifest);
  try {
    const model = await loadModelFolder(folder);
    const opened = await openPhotoModel(model, 1);
    await opened.release();
    const { facts, guesses } = guessed;
    return { manifestPath, id: model.id, dimension: opened.featureDimension, facts, guesses };
  } catch (error) {
    await rm(manifestPath);
    throw error;
  }
}

async function readInput(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new FruitstreamError("usage", `can't read ${path}: ${String(cause)}`, { cause });
  }
}

/** The file's name with what a model's name may not hold replaced. */
function nameOf(onnxPath: string): string {
  const stem = basename(onnxPath).replace(/\.onnx$/i, "");
  return stem.replace(/[^A-Za-z0-9._-]+/g, "-").slice(0, 64);
}

async function writeNew(path: string, manifest: object): Promise<void> {
  try {
    await writeFile(path, `${JSON.stringify(manifest, undefined, 2)}\n`, { flag: "wx" });
  } catch (cause) {
    const isThere = (cause as NodeJS.ErrnoException).code === "EEXIST";
    const message = isThere ? `${path} is there already; move it away to start again` : `can't write ${path}: ${cause}`;
    throw new FruitstreamError("usage", message, { cause });
  }
}
