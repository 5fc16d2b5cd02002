import { sniffPhotoFormat } from "#lib/photo/header/photo-format.ts";
import { problemOfName } from "#lib/photo/photo-label.ts";
import type { PhotoNames } from "#lib/photo/photo-suffixes.ts";
import { readFileStart } from "#lib/store/folder/object-file.ts";
import { kindOfFile } from "./ingest-progress.ts";
import { type OnFault, PhotoFault } from "./photo-fault.ts";
import { type FolderFile, type WalkSkip, walkFolder } from "./walk-folder.ts";

export interface PhotoSearch {
  readonly folder: string;
  /** Tells photos by their path below the folder; what has no suffix is told by its first bytes. */
  readonly names: PhotoNames;
  /** Names of folders that are no label. */
  readonly unlabelled: RegExp;
  /** Told of what is no photo, by what it is. */
  readonly onSkipped: (kind: string) => void;
  /** Told of photos that can't be taken, and of folders that can't be listed. */
  readonly onFault: OnFault;
}

/** Enough to tell every format. */
export const LOOK_BYTES = 64;

/**
 * The photos of a folder and those below it, in the order in which S3 would list their relative paths; see `walkFolder`.
 * What can't be one photo's file is named and left out, and the rest goes on: a link to nothing, a pipe, a name or a
 * label with characters that can't be seen.
 *
 * @throws usage when the folder is none, or can't be listed.
 */
export async function* findPhotoFiles(search: PhotoSearch): AsyncGenerator<FolderFile> {
  const { folder, names, unlabelled, onSkipped, onFault } = search;
  const onWalkSkipped = (why: WalkSkip, path: string) => {
    const problem = PROBLEMS[why];
    if (problem !== undefined && (why === "unreadable folders" || names(path) === "photo")) {
      onFault(new PhotoFault(path, path.includes("\uFFFD") ? NO_UTF8 : problem));
    } else onSkipped(why);
  };
  for await (const file of walkFolder(folder, { unlabelled, onSkipped: onWalkSkipped })) {
    const verdict = names(file.relativePath);
    try {
      if (verdict === "other" || (verdict === "no suffix" && !(await beginsAsPhoto(file.path)))) {
        onSkipped(kindOfFile(file.relativePath));
        continue;
      }
    } catch (error) {
      // Whatever keeps its first bytes back, it is this file's.
      onFault(new PhotoFault(file.path, (error as Error).message, { cause: error }));
      continue;
    }
    const problem = problemOfName(file.relativePath, file.label);
    if (problem === undefined) yield file;
    else onFault(new PhotoFault(file.path, problem));
  }
}

/** Why a walk leaves out what has the name of a photo. */
const PROBLEMS: Partial<Record<WalkSkip, string>> = {
  "unreadable folders": "the folder can't be listed; photos in it are left out",
  "broken links": "the link leads to nothing",
  "pipes, sockets and devices": "this is a pipe, a socket or a device, and no file",
  "gone meanwhile": "it was removed while the folder was read",
};
const NO_UTF8 = "its name is not UTF-8, so it can't be opened; rename it";

async function beginsAsPhoto(path: string): Promise<boolean> {
  return sniffPhotoFormat(await readFileStart(path, LOOK_BYTES)) !== undefined;
}
