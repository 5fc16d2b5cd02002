import type { TableAccess } from "../table-location.ts";
import type { AddFile, RemoveFile } from "./actions.ts";
import { recordCountOf } from "./column-statistics.ts";
import type { CommitNote, NotedCommit } from "./commit-note.ts";
import { type Commit, readCommit } from "./delta-log.ts";

/** A version whose commit was one thing for whoever built on it, and is another in the log. */
export interface OverwrittenCommit {
  readonly version: number;
  /** The `txnId` of the commit that was written over. */
  readonly id: string | null;
  readonly engine: string | null;
  /** What it held; undefined where nobody knows, or where it was no commit of ours. */
  readonly held: NotedCommit | undefined;
}

interface Moves {
  readonly txns?: readonly { readonly base: number | undefined }[];
}

/** What a commit of this transaction notes, after `previous`: the commit of the version before, where that is known. */
export function noteOf({ txns = [] }: Moves, previous: Commit | undefined): CommitNote {
  const bases = txns.map(({ base }) => base ?? null);
  if (previous === undefined) return { bases };
  const { held, ...follows } = overwritten(previous);
  return { bases, follows: { ...follows, ...(held ? { held } : {}) } };
}

/** A commit that was in the log, if it is no more. */
export function overwritten(commit: Commit): OverwrittenCommit {
  const engine = commit.commitInfo?.engineInfo ?? null;
  return { version: commit.version, id: idOf(commit), engine, held: heldBy(commit) };
}

/** The commit before this one, where this one was built on another than the log has there. */
export function overwrittenBefore(commit: Commit, previous: Commit | undefined): OverwrittenCommit | undefined {
  const follows = commit.commitInfo?.fruitstream?.follows;
  if (!follows || previous?.version !== follows.version || idOf(previous) === follows.id) return undefined;
  return { ...follows, held: follows.held ?? undefined };
}

/**
 * Whether rows may be gone since that were there before: others have deleted or changed some, or one of our commits was
 * written over and put back. What was gathered from the commits up to then has to be gathered anew.
 */
export function changesOldRows({ removes, commitInfo }: Commit): boolean {
  return removes.some(({ dataChange }) => dataChange) || commitInfo?.fruitstream?.settles != null;
}

/** The attempt that a commit was; null where its writer gave none. */
export function idOf({ commitInfo }: Commit): string | null {
  return commitInfo?.txnId ?? null;
}

/**
 * Whether the log may have this commit as that version, for what is kept beside the table and was made from it. False where
 * another tool has written over it; true where the log was cleaned up past it, or where it is not known which commit it was.
 */
export async function mayHaveCommit(
  access: TableAccess,
  version: number,
  commitId: string | undefined,
): Promise<boolean> {
  if (commitId === undefined) return true;
  const commit = await readCommit(access, version);
  return commit === undefined || idOf(commit) === commitId;
}

/** Undefined for commits of other tools and of earlier versions, and for those that hold more than a note should. */
function heldBy({ adds, removes, txns, commitInfo }: Commit): NotedCommit | undefined {
  const note = commitInfo?.fruitstream;
  if (!note) return undefined;
  const dataChange = [...adds, ...removes].every((file) => file.dataChange);
  const isNoted = adds.length + removes.length <= NOTED_FILES_MAX;
  // A compaction that is lost is made again by whoever compacts next.
  if (dataChange && !isNoted) return undefined;
  return {
    operation: commitInfo.operation ?? "",
    dataChange,
    adds: isNoted ? adds.map(notedFile) : [],
    removes: isNoted ? removes.map(notedFile) : [],
    txns: txns.map(({ appId, version }, index) => [appId, note.bases[index] ?? null, version]),
  };
}

/** A window has a file for each partition of the table that it has rows of; deletions and compactions may touch more. */
const NOTED_FILES_MAX = 1000;

function notedFile(file: AddFile | RemoveFile) {
  const { path, partitionValues, size } = file;
  const add = "modificationTime" in file ? file : undefined;
  return {
    path,
    partitionValues: partitionValues ?? {},
    size: size ?? 0,
    modificationTime: add?.modificationTime ?? 0,
    numRecords: (add && recordCountOf(add)) ?? null,
  };
}
