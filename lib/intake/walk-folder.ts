import type { Dirent, Stats } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { labelOfKey } from "#lib/photo/photo-label.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { compareKeys } from "#lib/store/object-store.ts";

export interface FolderFile {
  readonly path: string;
  /**
   * Below the folder that was walked, with slashes on every system. Where a file lies directly in that folder, and the
   * folder's name is a label, the name comes first: `…/Kiwi/1.jpg` is `Kiwi/1.jpg`, so that whoever finds the file under
   * such a key sees its label, and files of several such folders do not meet under one key.
   */
  readonly relativePath: string;
  /** The label of the folder the file lies in, the one that was walked included (`labelOfKey`). */
  readonly label: string | null;
  readonly sizeBytes: number;
  readonly modifiedAtMs: number;
}

/** Why something was left out: hidden names are what programs leave behind (`.DS_Store`, `._photo.jpg`). */
export type WalkSkip =
  | "hidden"
  | "unreadable folders"
  | "links in a circle"
  | "broken links"
  | "gone meanwhile"
  | "pipes, sockets and devices";

export interface WalkOptions {
  /** Names of folders that are no label. */
  readonly unlabelled: RegExp;
  /** Told of whatever is left out. */
  readonly onSkipped: (why: WalkSkip, path: string) => void;
}

/**
 * The regular files of a folder and of those below it, in the order in which S3 would list their relative paths. Holds
 * the names of the folders on the way down to the current one, never the whole tree. Links are followed, but for those
 * that lead back to a folder on the way down. A folder that this user may not list is left out.
 *
 * @throws usage when the folder is none, or can't be listed.
 */
export async function* walkFolder(folder: string, { unlabelled, onSkipped }: WalkOptions): AsyncGenerator<FolderFile> {
  const root = await stat(folder).catch(() => undefined);
  if (!root?.isDirectory())
    throw new FruitstreamError("usage", `${folder} is not a folder; name one with photos in it`);
  const name = basename(resolve(folder));
  const label = labelOfKey(`${name}/file`, unlabelled);
  const names = await readdir(folder, { withFileTypes: true }).catch((cause) => {
    throw new FruitstreamError("usage", `the folder ${folder} can't be listed: ${cause.message}`, { cause });
  });
  // A folder of the same name below it would have its files under the same paths.
  const begin = label === null || names.some((entry) => entry.name === name) ? "" : `${name}/`;
  const walk = new FolderWalk(unlabelled, onSkipped);
  yield* walk.entries(names, { path: folder, below: "", begin, label, way: [identityOf(root)] });
}

/** A folder on the way down. */
interface WalkedFolder {
  readonly path: string;
  /** The beginning of relative paths of folders in it; ends in a slash, or is empty. */
  readonly below: string;
  /** The beginning of relative paths of files in it. */
  readonly begin: string;
  readonly label: string | null;
  /** Of the folders from the first to this one. */
  readonly way: readonly string[];
}

class FolderWalk {
  readonly #unlabelled: RegExp;
  readonly #onSkipped: WalkOptions["onSkipped"];

  constructor(unlabelled: RegExp, onSkipped: WalkOptions["onSkipped"]) {
    this.#unlabelled = unlabelled;
    this.#onSkipped = onSkipped;
  }

  async *entries(entries: readonly Dirent[], folder: WalkedFolder): AsyncGenerator<FolderFile> {
    const found: { name: string; place: string; isFolder: boolean }[] = [];
    for (const entry of entries) {
      const isFolder = await this.#isFolder(entry, folder);
      // What lies in a folder has the slash in its path, so the folder's place is that of its name with a slash.
      const place = isFolder ? `${folder.below}${entry.name}/` : `${folder.begin}${entry.name}`;
      if (isFolder !== undefined) found.push({ name: entry.name, place, isFolder });
    }
    for (const { name, place, isFolder } of found.sort((a, b) => compareKeys(a.place, b.place))) {
      const path = join(folder.path, name);
      if (isFolder) yield* this.#below(path, place, folder);
      else yield* this.#file(path, place, folder);
    }
  }

  /** Undefined for what is left out. */
  async #isFolder(entry: Dirent, folder: WalkedFolder): Promise<boolean | undefined> {
    const path = join(folder.path, entry.name);
    if (entry.name.startsWith(".")) return void this.#onSkipped("hidden", path);
    if (!entry.isSymbolicLink()) return entry.isDirectory();
    const target = await stat(path).catch(() => undefined);
    if (!target) return void this.#onSkipped("broken links", path);
    if (!target.isDirectory()) return false;
    if (folder.way.includes(identityOf(target))) return void this.#onSkipped("links in a circle", path);
    return true;
  }

  async *#below(path: string, below: string, folder: WalkedFolder): AsyncGenerator<FolderFile> {
    let entries: Dirent[];
    let identity: string;
    try {
      entries = await readdir(path, { withFileTypes: true });
      identity = identityOf(await stat(path));
    } catch {
      return this.#onSkipped("unreadable folders", path);
    }
    const label = labelOfKey(`${below}file`, this.#unlabelled);
    yield* this.entries(entries, { path, below, begin: below, label, way: [...folder.way, identity] });
  }

  async *#file(path: string, relativePath: string, { label }: WalkedFolder): AsyncGenerator<FolderFile> {
    const file = await stat(path).catch(() => undefined);
    if (file === undefined) return this.#onSkipped("gone meanwhile", path);
    if (!file.isFile()) return this.#onSkipped("pipes, sockets and devices", path);
    yield { path, relativePath, label, sizeBytes: file.size, modifiedAtMs: file.mtimeMs };
  }
}

function identityOf({ dev, ino }: Stats): string {
  return `${dev}:${ino}`;
}
