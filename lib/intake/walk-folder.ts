import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { compareKeys } from "./key-order.ts";

export interface FolderFile {
  readonly path: string;
  /** Below the folder that was walked, with slashes on every system. */
  readonly relativePath: string;
  readonly sizeBytes: number;
  readonly modifiedAtMs: number;
}

/**
 * The regular files of a folder and of those below it, in the order in which S3 would list their relative paths. Holds
 * the names of the folders on the way down to the current one, never the whole tree. Links to files are followed, links to folders
 * are not, since they may lead in circles. Hidden names are left out: they are what programs leave behind (`.DS_Store`,
 * `._photo.jpg`).
 *
 * @param onHidden told of each name left out.
 * @throws usage when the folder is none.
 */
export async function* walkFolder(folder: string, onHidden: () => void): AsyncGenerator<FolderFile> {
  const root = await stat(folder).catch(() => undefined);
  if (!root?.isDirectory())
    throw new FruitstreamError("usage", `${folder} is not a folder; name one with photos in it`);
  yield* walk(folder, "", onHidden);
}

async function* walk(folder: string, below: string, onHidden: () => void): AsyncGenerator<FolderFile> {
  const entries = await readdir(folder, { withFileTypes: true });
  // What lies in a folder has the slash in its path, so the folder's place is that of its name with a slash.
  const named = entries.map((entry) => ({ entry, place: entry.isDirectory() ? `${entry.name}/` : entry.name }));
  for (const { entry, place } of named.sort((a, b) => compareKeys(a.place, b.place))) {
    const path = join(folder, entry.name);
    if (entry.name.startsWith(".")) {
      onHidden();
      continue;
    }
    if (entry.isDirectory()) {
      yield* walk(path, `${below}${place}`, onHidden);
      continue;
    }
    const file = await stat(path).catch(() => undefined);
    if (file?.isFile())
      yield { path, relativePath: `${below}${place}`, sizeBytes: file.size, modifiedAtMs: file.mtimeMs };
  }
}
