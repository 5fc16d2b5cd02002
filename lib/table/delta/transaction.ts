import assert from "node:assert";
import { isDeepStrictEqual } from "node:util";
import type { Action, AddFile, CommitInfo, Metadata, RemoveFile } from "./actions.ts";
import { recordCountOf } from "./column-statistics.ts";
import { noteOf } from "./commit-chain.ts";
import { ENGINE } from "./commit-note.ts";
import type { Commit } from "./delta-log.ts";
import type { Snapshot } from "./snapshot.ts";

/** A state of the table, as `DeltaTable.plan` copies it: what an operation reads does not move under it. */
export type PlannedState = Pick<Snapshot, "version" | "metadata" | "protocol" | "files" | "txnVersions">;

/**
 * What is to become one version of the table. An operation
 *
 * 1. takes the state that it works on by `table.plan()`;
 * 2. reads files of it, and writes new ones, which belong to no version yet;
 * 3. says by a transaction what it has read, removes and adds, and hands it to `table.transact`;
 * 4. on a conflict starts again at 1, or gives up: the conflict says what others have done meanwhile.
 *
 * | operation | reads | removes | adds | dataChange | txns |
 * | --- | --- | --- | --- | --- | --- |
 * | append (a reducer's window) | nothing | nothing | new rows | true | offsets and marks |
 * | compact, reproject | state, and the files that go | those files | the same rows | false | as a guard, where it has one |
 * | delete, forget | state, and the files that go | those files | their other rows | true | as a guard, where it has one |
 * | change metadata | state | nothing | nothing | | |
 *
 * Whoever appends is never in the way of those that rewrite, nor they of it, unless they say `reads.newFiles`.
 */
export interface TableTransaction {
  /** Names this attempt for good: the same transaction, repeated after an unclear failure, is committed once. */
  readonly commitId: string;
  readonly operation: Operation;
  /** Without it the transaction is a blind append, which depends on no file and follows changes of the metadata. */
  readonly reads?: ReadSet;
  /** Files of `reads.planned`, as they are there. They must be in the table, unchanged, at the commit too. */
  readonly removes?: readonly AddFile[];
  readonly adds: readonly AddFile[];
  /** False where adds hold the same rows as removes, maybe with other coordinates. True where nothing is said. */
  readonly dataChange?: boolean;
  /** Each must be at its base at the commit: undefined where the table has no version of it. */
  readonly txns?: readonly TxnMove[];
  /** Each must be at its base at the commit, and stays there: what the transaction was computed from beside the files. */
  readonly guards?: readonly TxnGuard[];
  /** What the metadata is to become; with `reads` only. */
  readonly metadata?: Metadata;
  /** The commit that this one puts back, or notes as lost, since another tool has written over it. */
  readonly settles?: { readonly version: number; readonly id: string | null };
}

/** An application id, and the version of it that somebody relies on; undefined where the table has none. */
export interface TxnGuard {
  readonly appId: string;
  readonly base: number | undefined;
}

interface TxnMove extends TxnGuard {
  readonly version: number;
}

/** What a transaction depends on. Its removed files are read too and need not be named again. */
interface ReadSet {
  readonly planned: PlannedState;
  /** Files of `planned` that were read and stay: they must be in the table at the commit too. */
  readonly files?: readonly AddFile[];
  /**
   * Whether rows that somebody has added since, in a partition of these values, would change the outcome. Left out, none
   * would: rows that are added while an operation runs count as added after it.
   */
  readonly newFiles?: (partitionValues: AddFile["partitionValues"]) => boolean;
  /** Whether any commit since, whatever it did, is in conflict. */
  readonly alone?: boolean;
}

/** What `DESCRIBE HISTORY` shows. */
interface Operation {
  /** By Spark's names where it has one: `STREAMING UPDATE`, `OPTIMIZE`, `DELETE`, `SET TBLPROPERTIES`. */
  readonly name: string;
  /** Values that are no strings are written as JSON, as Spark does. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Beside the counts of files, rows and bytes, which follow from the transaction. */
  readonly metrics?: Readonly<Record<string, number>>;
}

/** As Delta names them (https://docs.delta.io/latest/concurrency-control.html). */
type ConflictName =
  | "ProtocolChanged"
  | "MetadataChanged"
  | "ConcurrentAppend"
  | "ConcurrentDeleteRead"
  | "ConcurrentDeleteDelete"
  | "ConcurrentTransaction";

/** Why a transaction can't follow the table's state; it never can, since nothing of it was written. */
export type Conflict =
  | { readonly name: Exclude<ConflictName, "ConcurrentTransaction">; readonly detail: string }
  | { readonly name: "ConcurrentTransaction"; readonly detail: string; readonly moved: MovedTxn };

export interface MovedTxn {
  readonly appId: string;
  readonly expected: number | undefined;
  readonly actual: number | undefined;
}

/**
 * What became of a transaction: it is `version`, or nothing of it was written, and never will be. `others` are commits
 * that were not handed over before (see `DeltaTable`).
 */
export type TransactionResult = { readonly others: readonly Commit[] } & (
  | { readonly outcome: "committed"; readonly version: number }
  | { readonly outcome: "conflict"; readonly conflict: Conflict }
);

/** A copy of a state, for a transaction to be planned on. O(files). */
export function planOf({ version, metadata, protocol, files, txnVersions }: PlannedState): PlannedState {
  return { version, metadata, protocol, files: new Map(files), txnVersions: new Map(txnVersions) };
}

/** What keeps a transaction from following a state of the table; undefined when nothing does. */
export function conflictOf(transaction: TableTransaction, state: PlannedState): Conflict | undefined {
  return readConflictOf(transaction, state) ?? txnConflictOf(transaction, state);
}

/** What a commit says beside its transaction. */
export interface CommitContext {
  /** The version before. */
  readonly stateVersion: number;
  /** The commit of the version before, where that is known. */
  readonly previous: Commit | undefined;
  /** The metadata that the commit has to bring along, if any. */
  readonly evolved: Metadata | undefined;
  readonly nowMs: number;
}

/** The actions of a transaction as a version. */
export function transactionActions(transaction: TableTransaction, context: CommitContext): Action[] {
  const { evolved, nowMs } = context;
  const { adds, removes = [], txns = [], dataChange = true, metadata } = transaction;
  const metaData = evolved ?? metadata;
  return [
    { commitInfo: commitInfoOf(transaction, context) },
    ...(metaData ? [{ metaData }] : []),
    ...txns.map(({ appId, version }) => ({ txn: { appId, version, lastUpdated: nowMs } })),
    ...removes.map((file) => ({ remove: removalOf(file, dataChange, nowMs) })),
    ...adds.map((add) => ({ add: { ...add, dataChange } })),
  ];
}

function readConflictOf({ reads, removes = [] }: TableTransaction, state: PlannedState): Conflict | undefined {
  if (reads === undefined) {
    assert(removes.length === 0, "a transaction that removes files says in which state it has read them");
    return undefined;
  }
  const { planned, files = [], newFiles, alone = false } = reads;
  const since = `since version ${planned.version}`;
  if (!isDeepStrictEqual(state.protocol, planned.protocol)) {
    return { name: "ProtocolChanged", detail: `the table's protocol was changed ${since}` };
  }
  if (!isDeepStrictEqual(state.metadata, planned.metadata)) {
    return { name: "MetadataChanged", detail: `the table's schema or properties were changed ${since}` };
  }
  if (alone && state.version !== planned.version) {
    return { name: "ConcurrentAppend", detail: `others have committed ${since}` };
  }
  const appended = newFiles && firstAppended(planned, state, newFiles);
  if (appended) return { name: "ConcurrentAppend", detail: `${appended.path} was added ${since}` };
  const gone = files.find((file) => isGone(file, state));
  if (gone) return { name: "ConcurrentDeleteRead", detail: `${gone.path}, which was read, was removed ${since}` };
  const removed = removes.find((file) => isGone(file, state));
  if (removed) return { name: "ConcurrentDeleteDelete", detail: `${removed.path} was removed by another ${since}` };
  return undefined;
}

function firstAppended(
  planned: PlannedState,
  state: PlannedState,
  isRead: NonNullable<ReadSet["newFiles"]>,
): AddFile | undefined {
  for (const file of state.files.values()) {
    if (!planned.files.has(file.path) && isRead(file.partitionValues)) return file;
  }
  return undefined;
}

/** A file that was removed and added again, as RESTORE does, is the same; one of other rows under the same path is not. */
function isGone(file: AddFile, { files }: PlannedState): boolean {
  const actual = files.get(file.path);
  return actual?.size !== file.size || actual.modificationTime !== file.modificationTime;
}

function txnConflictOf(
  { txns = [], guards = [] }: TableTransaction,
  { txnVersions }: PlannedState,
): Conflict | undefined {
  const found = [...txns, ...guards].find(({ appId, base }) => txnVersions.get(appId) !== base);
  if (found === undefined) return undefined;
  const moved = { appId: found.appId, expected: found.base, actual: txnVersions.get(found.appId) };
  const detail = `${moved.appId} is at ${moved.actual ?? "no version"}, expected ${moved.expected ?? "none"}`;
  return { name: "ConcurrentTransaction", detail, moved };
}

/** With everything that the protocol knows of a removed file, so that whoever settles or streams it need not look. */
function removalOf({ path, partitionValues, size, tags }: AddFile, dataChange: boolean, nowMs: number): RemoveFile {
  const extended = { extendedFileMetadata: true, partitionValues, size, ...(tags ? { tags } : {}) };
  return { path, deletionTimestamp: nowMs, dataChange, ...extended };
}

function commitInfoOf(transaction: TableTransaction, { stateVersion, previous, nowMs }: CommitContext): CommitInfo {
  const { commitId, operation, reads, dataChange = true } = transaction;
  const rewrites = dataChange ? "WriteSerializable" : "SnapshotIsolation";
  return {
    timestamp: nowMs,
    operation: operation.name,
    operationParameters: mapValues(operation.parameters, (value) =>
      typeof value === "string" ? value : JSON.stringify(value),
    ),
    readVersion: reads?.planned.version ?? stateVersion,
    isolationLevel: reads?.newFiles ? "Serializable" : rewrites,
    isBlindAppend: reads === undefined,
    operationMetrics: mapValues({ ...fileMetrics(transaction), ...operation.metrics }, String),
    engineInfo: ENGINE,
    txnId: commitId,
    fruitstream: {
      ...noteOf(transaction, previous),
      ...(transaction.settles ? { settles: transaction.settles } : {}),
    },
  };
}

function fileMetrics({ adds, removes = [] }: TableTransaction): Record<string, number> {
  const bytes = (files: readonly AddFile[]) => files.reduce((sum, { size }) => sum + size, 0);
  const added = { numAddedFiles: adds.length, numRemovedFiles: removes.length };
  const rows = { numOutputRows: adds.reduce((sum, add) => sum + (recordCountOf(add) ?? 0), 0) };
  if (removes.length === 0) return { ...added, ...rows, numOutputBytes: bytes(adds) };
  return { ...added, ...rows, numAddedBytes: bytes(adds), numRemovedBytes: bytes(removes) };
}

function mapValues<From, To>(record: Readonly<Record<string, From>>, map: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}
