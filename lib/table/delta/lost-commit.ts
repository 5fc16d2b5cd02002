import { randomUUID } from "node:crypto";
import type { AddFile } from "./actions.ts";
import { idOf, type OverwrittenCommit } from "./commit-chain.ts";
import { ENGINE, type NotedCommit } from "./commit-note.ts";
import type { Commit } from "./delta-log.ts";
import type { PlannedState, TableTransaction } from "./transaction.ts";

/** What is to be done about a commit that another tool has written over. */
export interface Restoration {
  /** Puts back what can be, and notes that this was done: of several that try, one succeeds. */
  readonly transaction: TableTransaction;
  readonly rows: number;
  /** Why the commit can't be put back as it was; undefined when it can. */
  readonly problem: string | undefined;
}

/**
 * The application id by which the table knows that a commit was put back, after what stands in its place. It is kept for
 * good, in checkpoints too.
 */
export function restoredAppId({ version }: Pick<OverwrittenCommit, "version">, by: Commit): string {
  return `fruitstream/overwritten/${version}/${idOf(by) ?? "unnamed"}`;
}

/**
 * How a lost commit is put back. Its files still lie in the table's folder, so a commit that adds them again is exact: as
 * if it had come after the one that was written over it, which can't have known its files. Two things may have happened
 * since that must not be undone. Somebody has read the table without the commit and taken its records again; and somebody
 * has built on it and rewritten its files.
 *
 * @param by the commit that stands in its place.
 * @param later the log's commits after that version, in order.
 */
export function restorationOf(
  lost: OverwrittenCommit,
  by: Commit,
  state: PlannedState,
  later: readonly Commit[],
): Restoration {
  const { held, version, id } = lost;
  const guard = { appId: restoredAppId(lost, by), base: undefined, version: 1 };
  const operation = {
    name: "RESTORE LOST COMMIT",
    parameters: { version, writtenOverBy: by.commitInfo?.operation ?? "unknown" },
  };
  // What was found out of the log is so as long as nobody commits.
  const reads = { planned: state, alone: true };
  const settled = { commitId: randomUUID(), operation, reads, settles: { version, id }, adds: [], txns: [guard] };
  if (held === undefined) {
    const problem = lost.engine === ENGINE ? "nobody has noted what it held" : undefined;
    return { transaction: settled, rows: 0, problem };
  }
  if (!held.dataChange) return { transaction: settled, rows: 0, problem: undefined };
  const rows = held.adds.reduce((sum, { numRecords }) => sum + (numRecords ?? 0), 0);
  const fates = new Set(held.txns.map((moved) => fateOf(moved, state, later)));
  const isRetaken = fates.size === 1 && fates.has("retaken");
  if (isRetaken) return { transaction: settled, rows: 0, problem: undefined };
  if (fates.has("retaken") || fates.has("unclear")) {
    return { transaction: settled, rows, problem: "some of its records were taken again since, others were not" };
  }
  const rewritten = new Set(later.flatMap(({ removes }) => removes.map(({ path }) => path)));
  const removes = held.removes.map(({ path }) => state.files.get(path)).filter((file) => file !== undefined);
  if (removes.length < held.removes.length) {
    return { transaction: settled, rows, problem: "files that it removed have been rewritten since" };
  }
  const adds = held.adds.filter(({ path }) => !rewritten.has(path)).map(addOf);
  const unmoved = held.txns.filter((moved) => fateOf(moved, state, later) === "unmoved");
  const txns = unmoved.map(([appId, base, moved]) => ({ appId, base: base ?? undefined, version: moved }));
  return { transaction: { ...settled, removes, adds, txns: [guard, ...txns] }, rows, problem: undefined };
}

type Moved = NotedCommit["txns"][number];

/** What the log has made of a move that the lost commit had made. */
function fateOf(
  [appId, base, version]: Moved,
  { txnVersions }: PlannedState,
  later: readonly Commit[],
): "unmoved" | "built on" | "retaken" | "unclear" {
  for (const { txns, commitInfo } of later) {
    const index = txns.findIndex((txn) => txn.appId === appId);
    if (index < 0) continue;
    const laterBase = commitInfo?.fruitstream?.bases[index];
    if (laterBase === version) return "built on";
    return laterBase === base ? "retaken" : "unclear";
  }
  return (txnVersions.get(appId) ?? null) === base ? "unmoved" : "unclear";
}

function addOf({ path, partitionValues, size, modificationTime, numRecords }: NotedCommit["adds"][number]): AddFile {
  const stats = numRecords === null ? {} : { stats: JSON.stringify({ numRecords }) };
  return { path, partitionValues, size, modificationTime, dataChange: true, ...stats };
}
