import { randomUUID } from "node:crypto";
import type { AddFile } from "./actions.ts";
import { idOf, type OverwrittenCommit } from "./commit-chain.ts";
import { ENGINE, type NotedCommit } from "./commit-note.ts";
import type { Commit } from "./delta-log.ts";
import type { PlannedState, TableTransaction } from "./transaction.ts";

/** A lost commit, and the one that stands in its place. */
export interface LostCommit {
  readonly lost: OverwrittenCommit;
  readonly by: Commit;
}

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
  const nothing = (problem?: string, rows = 0): Restoration => ({ transaction: settled, rows, problem });
  if (held === undefined) return nothing(lost.engine === ENGINE ? "nobody has noted what it held" : undefined);
  const rewritten = new Set(later.flatMap(({ removes }) => removes.map(({ path }) => path)));
  // A lost compaction is made again by whoever compacts next, unless somebody has built on it: then its rows are there twice.
  if (!held.dataChange && !held.adds.some(({ path }) => rewritten.has(path))) return nothing();
  const rows = held.adds.reduce((sum, { numRecords }) => sum + (numRecords ?? 0), 0);
  const fates = new Set(held.txns.map((moved) => fateOf(moved, state, later)));
  if (held.dataChange) {
    if (fates.has("unclear") || (fates.has("retaken") && fates.has("built on"))) {
      return nothing("some of its records were taken again since, others were not", rows);
    }
    // Where nobody has read on, the others' records are taken again, too.
    if (fates.has("retaken")) return nothing();
  }
  const removes = held.removes.map(({ path }) => state.files.get(path)).filter((file) => file !== undefined);
  if (removes.length < held.removes.length) return nothing("files that it removed have been rewritten since", rows);
  const adds = held.adds.filter(({ path }) => !rewritten.has(path)).map((add) => addOf(add, held.dataChange));
  const unmoved = held.txns.filter((moved) => fateOf(moved, state, later) === "unmoved");
  const txns = [guard, ...unmoved.map(([appId, base, moved]) => ({ appId, base: base ?? undefined, version: moved }))];
  const transaction = { ...settled, removes, adds, dataChange: held.dataChange, txns };
  return { transaction, rows, problem: undefined };
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

type NotedFile = NotedCommit["adds"][number];

function addOf({ numRecords, ...file }: NotedFile, dataChange: boolean): AddFile {
  const stats = numRecords === null ? {} : { stats: JSON.stringify({ numRecords }) };
  return { ...file, dataChange, ...stats };
}
