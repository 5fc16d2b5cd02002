import type { Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { isContinued, pathOfKey, textOfName } from "./folder-key.ts";

/** An object's file. */
export interface ListedFile {
  readonly key: string;
  readonly path: string;
}

/**
 * The objects below a bucket's folder whose key begins with `prefix` and lies after `startAfter`, in the order of the
 * keys' UTF-8 bytes. Folders that can't hold such keys are not opened. Holds the names of the folders on the way down to
 * the current one. Files whose name is no key's are left out; a folder that disappears meanwhile is empty.
 */
export async function* listFolder(
  bucketFolder: string,
  prefix: string,
  startAfter: string,
): AsyncGenerator<ListedFile> {
  for await (const file of walk(bucketFolder, "", prefix, Buffer.from(startAfter))) {
    const path = relative(bucketFolder, file.path).replaceAll(sep, "/");
    if (pathOfKey(file.key) === path) yield file;
  }
}

interface Entry {
  /** The key, or, with a slash at its end, what all keys of a folder begin with. */
  readonly place: Buffer;
  readonly path: string;
  readonly isFolder: boolean;
}

async function* walk(folder: string, begin: string, prefix: string, after: Buffer): AsyncGenerator<ListedFile> {
  const entries = await entriesOf(folder, begin);
  for (const { place, path, isFolder } of entries.sort((a, b) => Buffer.compare(a.place, b.place))) {
    const key = place.toString();
    const isAfter = Buffer.compare(place, after) > 0;
    if (!isFolder) {
      if (isAfter && key.startsWith(prefix)) yield { key, path };
      continue;
    }
    const mayHaveLater = isAfter || place.equals(after.subarray(0, place.byteLength));
    const mayHavePrefix = key.startsWith(prefix) || prefix.startsWith(key);
    if (mayHaveLater && mayHavePrefix) yield* walk(path, key, prefix, after);
  }
}

/** Names that only go on with a long segment are followed, so that every entry is a whole one. */
async function entriesOf(folder: string, begin: string): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (const entry of await readFolder(folder)) {
    const path = join(folder, entry.name);
    const text = begin + textOfName(entry.name);
    if (entry.isDirectory() && isContinued(entry.name)) entries.push(...(await entriesOf(path, text)));
    else if (entry.isDirectory()) entries.push({ place: Buffer.from(`${text}/`), path, isFolder: true });
    else if (entry.isFile()) entries.push({ place: Buffer.from(text), path, isFolder: false });
  }
  return entries;
}

async function readFolder(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
