import { FruitstreamError } from "#lib/runtime/errors.ts";
import { readCheckpoint } from "../delta/checkpoint.ts";
import { readCommits } from "../delta/delta-log.ts";
import { type CheckpointFiles, listLog } from "../delta/list-log.ts";
import { Snapshot } from "../delta/snapshot.ts";
import type { TableAccess } from "../table-location.ts";
import type { OnFinding } from "./table-finding.ts";

/**
 * Reads the newest checkpoint of the log and holds it against the commits before it, as far as the log has them: from an
 * earlier checkpoint on, or from the beginning.
 */
export async function checkLog(access: TableAccess, onFinding: OnFinding): Promise<void> {
  const { checkpoints, commits } = await listLog(access, 0);
  const newest = checkpoints.at(-1);
  if (newest === undefined) return;
  const where = newest.paths.join(", ");
  const checkpoint = await readOrUndefined(access, newest, (problem) =>
    onFinding({ code: "checkpoint-unreadable", where, detail: problem }),
  );
  if (checkpoint === undefined) return;
  const replayed = await replay(access, checkpoints.slice(0, -1), commits, newest.version);
  const difference = replayed && differenceOf(checkpoint, replayed);
  if (difference !== undefined) onFinding({ code: "checkpoint", where, detail: difference });
}

async function readOrUndefined(access: TableAccess, files: CheckpointFiles, onProblem: (problem: string) => void) {
  try {
    return await readCheckpoint(access, files);
  } catch (error) {
    if (!(error instanceof FruitstreamError && error.code === "invalid-table")) throw error;
    onProblem(error.message);
    return undefined;
  }
}

/** The state at a version by its commits; undefined where the log does not go back far enough. */
async function replay(
  access: TableAccess,
  checkpoints: readonly CheckpointFiles[],
  commits: readonly number[],
  version: number,
): Promise<Snapshot | undefined> {
  const present = new Set(commits);
  const hasAllAfter = (base: number) => {
    for (let each = base + 1; each <= version; each++) if (!present.has(each)) return false;
    return true;
  };
  let snapshot: Snapshot | undefined;
  for (const files of checkpoints.filter((each) => each.version < version).toReversed()) {
    if (hasAllAfter(files.version)) snapshot ??= await readOrUndefined(access, files, () => undefined);
  }
  if (snapshot === undefined && !hasAllAfter(-1)) return undefined;
  for await (const commit of readCommits(access, snapshot?.version ?? -1, version)) {
    if (snapshot === undefined) snapshot = new Snapshot(commit);
    else snapshot.apply(commit);
  }
  return snapshot;
}

function differenceOf(checkpoint: Snapshot, replayed: Snapshot): string | undefined {
  const [only] = [...checkpoint.files.keys()].filter((path) => !replayed.files.has(path));
  if (only !== undefined) return `it names ${only}, and no commit has it`;
  const [missing] = [...replayed.files.keys()].filter((path) => !checkpoint.files.has(path));
  if (missing !== undefined) return `it lacks ${missing}, which a commit has added`;
  for (const [appId, version] of replayed.txnVersions) {
    const actual = checkpoint.txnVersions.get(appId);
    if (actual !== version) return `it has ${appId} at ${actual ?? "no version"}, the commits at ${version}`;
  }
  return undefined;
}
