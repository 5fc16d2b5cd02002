import { lstat, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { FruitstreamError } from "../../lib/runtime/errors.ts";

export interface FolderFile {
  readonly path: string;
  /** Below the folder that was walked, with slashes on every system. */
  readonly relativePath: string;
  readonly sizeBytes: number;
  readonly modifiedAtMs: number;
}

/**
 * The regular files of a folder and of those below it, folder by folder in the order of their names. Holds the names of
 * the folders on the way down to the current one, never the whole tree. Links to files are followed, links to folders
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
  const names = await readdir(folder);
  for (const name of names.sort()) {
    const path = join(folder, name);
    const relativePath = `${below}${name}`;
    if (name.startsWith(".")) {
      onHidden();
      continue;
    }
    const entry = await lstat(path);
    if (entry.isDirectory()) {
      yield* walk(path, `${relativePath}/`, onHidden);
      continue;
    }
    const file = entry.isSymbolicLink() ? await stat(path).catch(() => undefined) : entry;
    if (file?.isFile()) yield { path, relativePath, sizeBytes: file.size, modifiedAtMs: file.mtimeMs };
  }
}
