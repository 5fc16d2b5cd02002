import assert from "node:assert";
import type { Clock } from "#lib/runtime/clock.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import type { Partitioning } from "../partitioning.ts";
import { PHOTO_COLUMNS, type PhotoColumn } from "../photo-columns.ts";
import { formatTableUri, type TableAccess, type TableLocation } from "../table-location.ts";
import type { AddFile } from "./actions.ts";
import type { Commit } from "./delta-log.ts";
import { LogRepair } from "./log-repair.ts";
import type { Snapshot } from "./snapshot.ts";
import { requireDeletable, requireWritable } from "./table-features.ts";
import { TableLog } from "./table-log.ts";
import { tablePropertiesOf } from "./table-properties.ts";
import { requirePartitioning } from "./table-schema.ts";
import {
  conflictOf,
  type MovedTxn,
  type PlannedState,
  planOf,
  type TableTransaction,
  type TransactionResult,
  type TxnGuard,
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
  /** What this request relies on beside, and does not move. */
  readonly guards?: readonly TxnGuard[];
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
  readonly #log: TableLog;
  readonly #repair: LogRepair;
  #isWriter = false;
  #previousCall: Promise<unknown> = Promise.resolve();

  constructor({ store, location, logger, clock, columns = PHOTO_COLUMNS }: TableAccess, snapshot: Snapshot) {
    this.store = store;
    this.location = location;
    this.logger = logger;
    this.clock = clock;
    this.columns = columns;
    this.#log = new TableLog(this, snapshot);
    this.#repair = new LogRepair(this, this.#log);
  }

  /** The newest state that this object has seen. It changes with the next `advance` or `commit`. */
  get snapshot(): Pick<Snapshot, "version" | "metadata" | "protocol" | "files" | "txnVersions"> {
    return this.#log.snapshot;
  }

  /** The `txnId` of the commit that this object has made or read as a version, of the latest ones. */
  commitIdAt(version: number): string | undefined {
    return this.#log.commitIdAt(version);
  }

  /** A copy of the newest state that this object has seen, for a transaction to be planned on. O(files). */
  plan(): PlannedState {
    return planOf(this.snapshot);
  }

  /** How its rows are laid out in folders. */
  get partitioning(): Partitioning {
    return requirePartitioning(this.snapshot.metadata, formatTableUri(this.location));
  }

  /** `delta.dataSkippingNumIndexedCols`. */
  get indexedColumnsMax(): number {
    return tablePropertiesOf(this.snapshot.metadata, formatTableUri(this.location)).indexedColumnsMax;
  }

  /** Reads the commits after the snapshot's version, and returns those not handed over yet. */
  advance(): Promise<Commit[]> {
    return this.#inTurn(async () => {
      await this.#log.readNew();
      if (this.#isWriter) await this.#confirm();
      return this.#log.handOver();
    });
  }

  /** Commits a reducer's window: `transact` for an append. A request whose `txns` others have moved is fenced. */
  async commit({ commitId, operation, adds, txns, baseTxns, guards = [] }: CommitRequest): Promise<CommitResult> {
    const result = await this.transact({
      commitId,
      operation: { name: operation, parameters: { mode: "Append" } },
      adds,
      txns: txns.map(({ appId, version }) => ({ appId, base: baseTxns.get(appId), version })),
      guards,
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
    this.#isWriter = true;
    return this.#inTurn(() => this.#transact(transaction));
  }

  /**
   * From now on this table is one that is written to: what others have written over is put back, here and whenever commits
   * are made or read. Looks at the newest commits first, which may be of a writer that did not live to see it.
   *
   * @throws invalid-table when a commit can't be put back, with the rows that are missing; the table notes it, so that it
   * is said once.
   */
  writes(): Promise<void> {
    this.#isWriter = true;
    return this.#inTurn(async () => {
      requireWritable(this.snapshot, formatTableUri(this.location));
      const gaps = await this.#log.checkHistory();
      await this.#confirm();
      await this.#repair.noteMissing(gaps);
    });
  }

  async #transact(transaction: TableTransaction): Promise<TransactionResult> {
    await this.#confirm(transaction);
    for (let attempt = 0; attempt < COMMIT_ATTEMPTS_MAX; attempt++) {
      const committed = this.#log.versionOf(transaction);
      if (committed !== undefined) return this.#committed(committed);
      const conflict = conflictOf(transaction, this.snapshot);
      if (conflict !== undefined) return { outcome: "conflict", conflict, others: this.#log.handOver() };
      this.#requireAllowed(transaction);
      const isPut = await this.#log.put(transaction);
      if (!isPut) await this.#log.readNew();
      await this.#confirm(transaction);
      if (isPut) await this.#log.writeCheckpointWhenDue();
    }
    const uri = formatTableUri(this.location);
    throw new FruitstreamError(
      "store-unavailable",
      `${uri}: lost the next version to other writers ${COMMIT_ATTEMPTS_MAX} times; version ${this.snapshot.version} is the newest seen`,
    );
  }

  /** Makes sure that the log has what was made or read, and puts back what others have written over. */
  async #confirm(inFlight?: TableTransaction): Promise<void> {
    await this.#log.confirm();
    await this.#repair.putBackLost(inFlight);
  }

  #committed(version: number): TransactionResult & { outcome: "committed" } {
    const others = this.#log.handOver().filter((commit) => commit.version !== version);
    return { outcome: "committed", version, others };
  }

  #requireAllowed({ removes = [], dataChange = true }: TableTransaction): void {
    const uri = formatTableUri(this.location);
    requireWritable(this.snapshot, uri);
    if (removes.length > 0 && dataChange) requireDeletable(this.snapshot, uri);
  }

  #inTurn<T>(call: () => Promise<T>): Promise<T> {
    const result = this.#previousCall.then(call);
    this.#previousCall = result.catch(() => undefined);
    return result;
  }
}

/** Every lost attempt means that another writer succeeded, so this many in a row say that something else is wrong. */
const COMMIT_ATTEMPTS_MAX = 100;
