import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { type ModelManifest, parseManifest } from "./manifest.ts";
import { cachedModelPath, findModelFolder, modelCacheFolder } from "./model-places.ts";

/** A model that is ready to be opened. Plain data: it can be sent to a worker thread. */
export interface ModelFolder {
  /** `<name>-<12 hex digits>`: equal ids mean equal vectors for equal photos. Travels in every message and row. */
  readonly id: string;
  readonly manifest: ModelManifest;
  /** Absolute. */
  readonly onnxPath: string;
  /** By class index; null where the model has no classes. */
  readonly labels: readonly string[] | null;
}

/** What is known of a model without its ONNX file. */
export interface DescribedModel {
  /** Absolute. */
  readonly folder: string;
  readonly manifest: ModelManifest;
  readonly labels: readonly string[] | null;
  /** Absolute; where the ONNX file is or, of a model to fetch, will be. */
  readonly onnxPath: string;
  /** Whether the ONNX file is there. */
  readonly isPresent: boolean;
  /** Null while neither the file nor its hash is known. */
  readonly id: string | null;
}

/**
 * Reads and checks a model folder: `model.json`, the ONNX file it names and the labels.
 *
 * The id's hash covers the ONNX file's bytes, the labels and all of the manifest but what can't change a result (paths,
 * source, licence), so a model keeps its id when its folder moves. Weights must be inside the ONNX file: what it would
 * refer to in side files is not hashed.
 *
 * @param nameOrFolder the folder's path, or the name of a model that comes with the project.
 * @param cacheFolder where fetched files are.
 * @throws invalid-model naming the path or the field that is wrong, or the command that fetches the file.
 */
export async function loadModelFolder(nameOrFolder: string, cacheFolder = modelCacheFolder()): Promise<ModelFolder> {
  const { folder, manifest, labels, onnxPath, isPresent } = await describeModel(nameOrFolder, cacheFolder);
  if (!isPresent) throw missingFile(folder, manifest, onnxPath);
  const onnxSha256 = await hashOnnx(onnxPath, folder);
  if (manifest.sha256 !== undefined && manifest.sha256 !== onnxSha256) {
    const problem = `${onnxPath} has the SHA-256 ${onnxSha256}, but ${join(folder, "model.json")} asks for ${manifest.sha256}`;
    throw new FruitstreamError("invalid-model", `${problem}; fetch the file again or correct "sha256"`);
  }
  return { id: modelId(manifest, onnxSha256, labels), manifest, onnxPath, labels };
}

/**
 * Reads `model.json` and the labels, and looks for the ONNX file: in the folder first, then among the fetched ones.
 *
 * @throws invalid-model naming the path or the field that is wrong.
 */
export async function describeModel(nameOrFolder: string, cacheFolder = modelCacheFolder()): Promise<DescribedModel> {
  const folder = resolve(findModelFolder(nameOrFolder));
  const manifestPath = join(folder, "model.json");
  const manifest = parseManifest(await readText(manifestPath, NO_MANIFEST), manifestPath);
  const labels =
    manifest.labels === undefined ? null : await readLabels(resolve(folder, manifest.labels), manifestPath);
  const inFolder = resolve(folder, manifest.onnx);
  const onnxPath = manifest.download && !existsSync(inFolder) ? cachedModelPath(manifest, cacheFolder) : inFolder;
  const id = manifest.sha256 === undefined ? null : modelId(manifest, manifest.sha256, labels);
  return { folder, manifest, labels, onnxPath, isPresent: existsSync(onnxPath), id };
}

const NO_MANIFEST =
  "a model folder holds a model.json; `fruitstream models list` names the models that come with the project";

function missingFile(folder: string, { name, onnx, download }: ModelManifest, onnxPath: string): FruitstreamError {
  const problem = `the ONNX file of ${name} is not there: ${onnxPath}`;
  const remedy = download
    ? `run \`fruitstream models fetch ${basename(folder)}\`, or put ${download.url} there`
    : `"onnx" of ${join(folder, "model.json")} must name a file, got "${onnx}"`;
  return new FruitstreamError("invalid-model", `${problem}; ${remedy}`);
}

async function hashOnnx(path: string, folder: string): Promise<string> {
  try {
    return await hashFile(path);
  } catch (cause) {
    const problem = `can't read ${path}: ${String(cause)}`;
    const remedy = `"onnx" of ${join(folder, "model.json")} must name a file`;
    throw new FruitstreamError("invalid-model", `${problem}; ${remedy}`, { cause });
  }
}

function modelId(manifest: ModelManifest, onnxSha256: string, labels: readonly string[] | null): string {
  const { input, scaling, outputs, topK, preprocessingVersion } = manifest;
  // Ids were made before there were versions, and must stay what they are in the tables.
  const version = preprocessingVersion === 1 ? {} : { preprocessingVersion };
  const content = { onnxSha256, labels, input, scaling, outputs, topK, ...version };
  return `${manifest.name}-${sha256(canonicalJson(content)).slice(0, ID_HASH_DIGITS)}`;
}

/** 48 bits: among a thousand models the chance of two that share an id is 2e-9. */
const ID_HASH_DIGITS = 12;

/** JSON with the keys of every object sorted, so that a manifest's formatting and order don't change the id. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === "object" && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

async function readLabels(path: string, manifestPath: string): Promise<string[]> {
  const text = await readText(path, `"labels" of ${manifestPath} must name a text file`);
  const labels = text.replace(/\r?\n$/, "").split(/\r?\n/);
  const empty = labels.indexOf("");
  if (empty >= 0) {
    throw new FruitstreamError("invalid-model", `line ${empty + 1} of ${path} is empty; every class needs a label`);
  }
  return labels;
}

async function readText(path: string, expectation: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new FruitstreamError("invalid-model", `can't read ${path}: ${String(cause)}; ${expectation}`, { cause });
  }
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** A file's SHA-256 in lower-case hex, read in pieces: model files may be half a gigabyte. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of createReadStream(path)) hash.update(piece);
  return hash.digest("hex");
}
