import assert from "node:assert";
import type { Clock } from "#lib/runtime/clock.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import type { Partitioning } from "../partitioning.ts";
import { PHOTO_COLUMNS, type PhotoColumn } from "../photo-columns.ts";
import { formatTableUri, type TableAccess, type TableLocation, tableObject } from "../table-location.ts";
import { type AddFile, serialiseActions } from "./actions.ts";
import { writeCheckpoint } from "./checkpoint.ts";
import { type Commit, commitOf, commitPath, readCommit } from "./delta-log.ts";
import type { Snapshot } from "./snapshot.ts";
import { requireDeletable, requireReadable, requireWritable } from "./table-features.ts";
import { tablePropertiesOf } from "./table-properties.ts";
import { evolvedMetadata, requirePartitioning } from "./table-schema.ts";
import {
  conflictOf,
  type MovedTxn,
  type PlannedState,
  type TableTransaction,
  type TransactionResult,
  transactionActions,
} from "./transaction.ts";

/** An append: the transaction of a reducer's window. */
export interface CommitRequest {
  /** Names this attempt for good: the same request, repeated after an unclear failure, is committed once. */
  readonly commitId: string;
  /** What `DESCRIBE HISTORY` shows, such as `STREAMING UPDATE`. */
  readonly operation: string;
  readonly adds: readonly AddFile[];
  readonly txns: readonly { readonly appId: string; readonly version: number }[];
  /** Of every appId in `txns`, the version that this request was computed from; undefined where there was none. */
  readonly baseTxns: ReadonlyMap<string, number | undefined>;
}

/**
 * What became of a request.
 * - `committed`: it is `version`.
 * - `fenced`: somebody else has moved `appId` away from the base, to `actual`; nothing was written, and never will be.
 */
export type CommitResult = { readonly others: readonly Commit[] } & (
  | { readonly outcome: "committed"; readonly version: number }
  | ({ readonly outcome: "fenced" } & MovedTxn)
);

/**
 * A table that is kept up to date and written to. Every commit that came after the version at which it was opened is
 * handed over once, in order: as the `version` of a request that was committed, in `others` of a result, or by
 * `advance`. Nothing is lost when a call throws; the next one hands it over. Calls are served one after the other.
 */
export class DeltaTable implements TableAccess {
  readonly store: ObjectStore;
  readonly location: TableLocation;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly columns: readonly PhotoColumn[];
  readonly #snapshot: Snapshot;
  readonly #versionByCommitId = new Map<string, number>();
  #commitsInHand: Commit[] = [];
  #previousCall: Promise<unknown> = Promise.resolve();

  constructor({ store, location, logger, clock, columns = PHOTO_COLUMNS }: TableAccess, snapshot: Snapshot) {
    this.store = store;
    this.location = location;
    this.logger = logger;
    this.clock = clock;
    this.columns = columns;
    this.#snapshot = snapshot;
  }

  /** The newest state that this object has seen. It changes with the next `advance` or `commit`. */
  get snapshot(): Pick<Snapshot, "version" | "metadata" | "protocol" | "files" | "txnVersions"> {
    return this.#snapshot;
  }

  /** A copy of the newest state that this object has seen, for a transaction to be planned on. O(files). */
  plan(): PlannedState {
    const { version, metadata, protocol, files, txnVersions } = this.#snapshot;
    return { version, metadata, protocol, files: new Map(files), txnVersions: new Map(txnVersions) };
  }

  /** How its rows are laid out in folders. */
  get partitioning(): Partitioning {
    return requirePartitioning(this.#snapshot.metadata, formatTableUri(this.location));
  }

  /** Reads the commits after the snapshot's version, and returns those not handed over yet. */
  advance(): Promise<Commit[]> {
    return this.#inTurn(async () => {
      await this.#readNewCommits();
      return this.#handOver();
    });
  }

  /** Commits a reducer's window: `transact` for an append. A request whose `txns` others have moved is fenced. */
  async commit({ commitId, operation, adds, txns, baseTxns }: CommitRequest): Promise<CommitResult> {
    const result = await this.transact({
      commitId,
      operation: { name: operation, parameters: { mode: "Append" } },
      adds,
      txns: txns.map(({ appId, version }) => ({ appId, base: baseTxns.get(appId), version })),
    });
    if (result.outcome === "committed") return result;
    const { conflict, others } = result;
    assert(conflict.name === "ConcurrentTransaction", `an append depends on its txns alone: ${conflict.detail}`);
    return { outcome: "fenced", ...conflict.moved, others };
  }

  /**
   * Commits all of a transaction as the next version, or nothing of it. When others take the next version, their commits
   * are read and the one after is tried, unless they conflict with the transaction. Columns that the table lacks by then
   * are added to it by the same commit; two writers that add one at once add it once.
   *
   * @throws store-unavailable when it is unclear whether it was committed, or when the next version was lost
   * COMMIT_ATTEMPTS_MAX times: call again with the same transaction. invalid-table when another tool has turned a
   * table feature on that we don't write, by its name, or has changed a column that we write; when the table is
   * append-only and the transaction deletes rows.
   */
  transact(transaction: TableTransaction): Promise<TransactionResult> {
    return this.#inTurn(() => this.#transact(transaction));
  }

  async #transact(transaction: TableTransaction): Promise<TransactionResult> {
    for (let attempt = 0; attempt < COMMIT_ATTEMPTS_MAX; attempt++) {
      const committed = this.#versionByCommitId.get(transaction.commitId);
      if (committed !== undefined) return this.#committed(committed);
      const conflict = conflictOf(transaction, this.#snapshot);
      if (conflict !== undefined) return { outcome: "conflict", conflict, others: this.#handOver() };
      this.#requireAllowed(transaction);
      if (await this.#tryNextVersion(transaction)) return this.#committed(this.#snapshot.version);
      await this.#readNewCommits();
    }
    const uri = formatTableUri(this.location);
    throw new FruitstreamError(
      "store-unavailable",
      `${uri}: lost the next version to other writers ${COMMIT_ATTEMPTS_MAX} times; version ${this.#snapshot.version} is the newest seen`,
    );
  }

  async #tryNextVersion(transaction: TableTransaction): Promise<boolean> {
    const version = this.#snapshot.version + 1;
    const uri = formatTableUri(this.location);
    const { checkpointIntervalVersions } = tablePropertiesOf(this.#snapshot.metadata, uri);
    const metadata = transaction.metadata ?? this.#snapshot.metadata;
    const evolved = evolvedMetadata(metadata, this.columns, uri);
    const actions = transactionActions(transaction, this.#snapshot, evolved, ENGINE, this.clock.nowMs());
    const body = Buffer.from(serialiseActions(actions));
    if (!(await this.store.putIfAbsent(tableObject(this.location, commitPath(version)), body))) return false;
    this.#apply(commitOf(version, actions));
    if (version % checkpointIntervalVersions === 0) await this.#writeCheckpoint();
    return true;
  }

  async #writeCheckpoint(): Promise<void> {
    try {
      await writeCheckpoint(this, this.#snapshot);
    } catch (error) {
      const fields = { event: "table_checkpoint_failed", err: error };
      this.logger.warn(fields, "could not write a table checkpoint; readers replay the log until the next one");
    }
  }

  async #readNewCommits(): Promise<void> {
    for (;;) {
      const commit = await readCommit(this, this.#snapshot.version + 1);
      if (commit === undefined) return;
      this.#apply(commit);
    }
  }

  #apply(commit: Commit): void {
    const { metadata, protocol } = this.#snapshot;
    const next = { metadata: commit.metadata ?? metadata, protocol: commit.protocol ?? protocol };
    requireReadable(next, commit.adds, formatTableUri(this.location));
    this.#snapshot.apply(commit);
    this.#commitsInHand.push(commit);
    const commitId = commit.commitInfo?.txnId;
    if (commitId) this.#versionByCommitId.set(commitId, commit.version);
    if (this.#versionByCommitId.size > COMMIT_IDS_MAX) {
      this.#versionByCommitId.delete(this.#versionByCommitId.keys().next().value!);
    }
  }

  #committed(version: number): TransactionResult & { outcome: "committed" } {
    return { outcome: "committed", version, others: this.#handOver().filter((commit) => commit.version !== version) };
  }

  #handOver(): Commit[] {
    const commits = this.#commitsInHand;
    this.#commitsInHand = [];
    return commits;
  }

  #requireAllowed({ removes = [], dataChange = true }: TableTransaction): void {
    const uri = formatTableUri(this.location);
    requireWritable(this.#snapshot, uri);
    if (removes.length > 0 && dataChange) requireDeletable(this.#snapshot, uri);
  }

  #inTurn<T>(call: () => Promise<T>): Promise<T> {
    const result = this.#previousCall.then(call);
    this.#previousCall = result.catch(() => undefined);
    return result;
  }
}

/** Every lost attempt means that another writer succeeded, so this many in a row say that something else is wrong. */
const COMMIT_ATTEMPTS_MAX = 100;

/** The latest attempts by which a repeated request is recognised. */
const COMMIT_IDS_MAX = 1000;

/** Who wrote a commit, as `DESCRIBE HISTORY` shows it. */
export const ENGINE = "fruitstream";
