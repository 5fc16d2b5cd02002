import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { FruitstreamError } from "../runtime/errors.ts";
import { type ModelManifest, parseManifest } from "./manifest.ts";

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

/**
 * Reads and checks a model folder: `model.json`, the ONNX file it names and the labels.
 *
 * The id's hash covers the ONNX file's bytes, the labels and all of the manifest but what can't change a result (paths,
 * source, licence), so a model keeps its id when its folder moves. Weights must be inside the ONNX file: what it would
 * refer to in side files is not hashed.
 *
 * @throws invalid-model naming the path or the field that is wrong.
 */
export async function loadModelFolder(folder: string): Promise<ModelFolder> {
  const manifestPath = join(folder, "model.json");
  const manifest = parseManifest(await readText(manifestPath, "a model folder holds a model.json"), manifestPath);

  const onnxPath = resolve(folder, manifest.onnx);
  const onnxSha256 = sha256(await readBytes(onnxPath, `"onnx" of ${manifestPath} must name a file`));
  if (manifest.sha256 !== undefined && manifest.sha256 !== onnxSha256) {
    const problem = `${onnxPath} has the SHA-256 ${onnxSha256}, but ${manifestPath} asks for ${manifest.sha256}`;
    throw new FruitstreamError("invalid-model", `${problem}; fetch the file again or correct "sha256"`);
  }

  const labels =
    manifest.labels === undefined ? null : await readLabels(resolve(folder, manifest.labels), manifestPath);
  return { id: modelId(manifest, onnxSha256, labels), manifest, onnxPath, labels };
}

function modelId(manifest: ModelManifest, onnxSha256: string, labels: readonly string[] | null): string {
  const { input, scaling, outputs, topK } = manifest;
  const hash = sha256(canonicalJson({ onnxSha256, labels, input, scaling, outputs, topK }));
  return `${manifest.name}-${hash.slice(0, ID_HASH_DIGITS)}`;
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
  return (await readBytes(path, expectation)).toString("utf8");
}

async function readBytes(path: string, expectation: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new FruitstreamError("invalid-model", `can't read ${path}: ${String(cause)}; ${expectation}`, { cause });
  }
}

function sha256(content: Uint8Array | string): string {
  return createHash("sha256").update(content).digest("hex");
}
