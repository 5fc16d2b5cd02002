import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { ModelManifest } from "./manifest.ts";

/** Where models that come with the project lie, nearest first. */
const MODEL_ROOTS = ["../../models/", "../../models/zoo/"].map((path) => fileURLToPath(new URL(path, import.meta.url)));

/** The folder of a model: a folder's path, or the name of a model that comes with the project. A path goes first. */
export function findModelFolder(nameOrFolder: string): string {
  const isName = /^[^/\\]+$/.test(nameOrFolder);
  if (!isName || existsSync(join(nameOrFolder, "model.json"))) return nameOrFolder;
  const folders = MODEL_ROOTS.map((root) => join(root, nameOrFolder));
  return folders.find((folder) => existsSync(join(folder, "model.json"))) ?? nameOrFolder;
}

/** The folders of all models that come with the project. */
export async function listModelFolders(): Promise<string[]> {
  const names = await Promise.all(
    MODEL_ROOTS.map(async (root) => (await readdir(root)).sort().map((name) => join(root, name))),
  );
  return names.flat().filter((folder) => existsSync(join(folder, "model.json")));
}

/** Where fetched model files are kept: `fruitstream/models` in `$XDG_CACHE_HOME`, else in `~/.cache`. */
export function modelCacheFolder(): string {
  return resolve(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "fruitstream", "models");
}

/** The file's place in the cache. Its name begins with the hash, so that files of one name don't meet. */
export function cachedModelPath(manifest: ModelManifest, cacheFolder: string): string {
  return join(cacheFolder, `${manifest.sha256?.slice(0, CACHE_HASH_DIGITS)}-${basename(manifest.onnx)}`);
}

const CACHE_HASH_DIGITS = 12;
