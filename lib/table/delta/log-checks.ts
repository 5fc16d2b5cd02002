import { isDeepStrictEqual } from "node:util";
import { overwrittenBefore } from "./commit-chain.ts";
import type { Commit } from "./delta-log.ts";
import type { LogListing } from "./list-log.ts";
import type { Snapshot } from "./snapshot.ts";

/** Records that an application has read, by the next commit's word, and that no commit of the log has. */
export interface Gap {
  /** Of the commit that goes on behind it. */
  readonly version: number;
  readonly appId: string;
  readonly from: number;
  readonly to: number;
}

/** How a writer's state has moved since it was last seen to be what the log says. */
export interface Moved {
  readonly from: number;
  readonly to: number;
  /** The version among them that the writer has put itself. */
  readonly put: number | undefined;
}

/**
 * Whether the log may have been cleaned up between the version from which a state has moved and the one to which. Then a
 * commit may have been put where there was another long ago, and no reader sees it. True where
 *
 * - a boundary says so, which our own clean-up leaves: versions up to it may be what was put where others were;
 * - the first version is gone, and so is a checkpoint of it: clean-up takes the oldest;
 * - the last version is gone, or the one after it though there are later ones;
 * - there is a checkpoint of what was put, or of a later version: whatever was removed lies below one. Mostly others
 *   have only been quick, so this asks for a second look.
 */
export function isCutOff({ commits, checkpoints, cleanedBelow }: LogListing, { from, to, put }: Moved): boolean {
  const has = new Set(commits);
  const newestCheckpoint = checkpoints.at(-1)?.version ?? -1;
  const newest = Math.max(commits.at(-1) ?? -1, newestCheckpoint);
  const isFromThere = has.has(from) || checkpoints.some((checkpoint) => checkpoint.version === from);
  if (cleanedBelow > from + 1 || !isFromThere) return true;
  if (put !== undefined && newestCheckpoint >= put) return true;
  return (from < to && !has.has(to)) || (newest > to && !has.has(to + 1));
}

/** Whether two states of one version have the same rows, `txn`s, columns and properties. O(files). */
export function isSameState(one: Snapshot, other: Snapshot): boolean {
  return (
    one.files.size === other.files.size &&
    [...one.files].every(([path, { size }]) => other.files.get(path)?.size === size) &&
    isDeepStrictEqual(one.txnVersions, other.txnVersions) &&
    isDeepStrictEqual(rulesOf(one), rulesOf(other))
  );
}

/**
 * Where commits of ours go on from moves that none of these has made: the commit that had made them was written over, and
 * so was the one after it, which had noted what it held.
 *
 * @param commits consecutive ones.
 */
export function gapsOf(commits: readonly Commit[]): Gap[] {
  const positions = new Map<string, number>();
  const gaps: Gap[] = [];
  let previous: Commit | undefined;
  for (const commit of commits) {
    for (const [appId, , moved] of overwrittenBefore(commit, previous)?.held?.txns ?? []) positions.set(appId, moved);
    for (const [index, { appId, version }] of commit.txns.entries()) {
      const base = commit.commitInfo?.fruitstream?.bases[index] ?? 0;
      const position = positions.get(appId);
      // Records that were taken again after a loss begin before where they had been read to.
      if (position !== undefined && base > position) {
        gaps.push({ version: commit.version, appId, from: position, to: base });
      }
      positions.set(appId, version);
    }
    previous = commit;
  }
  return gaps;
}

/** Checkpoints and commits differ in whether they have nulls for what is not there. */
function rulesOf({ metadata, protocol }: Snapshot) {
  const { minReaderVersion, minWriterVersion, readerFeatures, writerFeatures } = protocol;
  const features = [readerFeatures, writerFeatures].map((names) => [...(names ?? [])].sort());
  const properties = Object.entries(metadata.configuration ?? {}).sort();
  return [metadata.schemaString, properties, minReaderVersion, minWriterVersion, ...features];
}
