import { FruitstreamError } from "#lib/runtime/errors.ts";
import { PHOTO_COLUMNS } from "../photo-columns.ts";
import { formatTableUri, type TableAccess, tableObject } from "../table-location.ts";
import { serialiseActions } from "./actions.ts";
import { writeCheckpoint } from "./checkpoint.ts";
import { idOf, type OverwrittenCommit, overwritten, overwrittenBefore } from "./commit-chain.ts";
import { type Commit, commitOf, commitPath, readCommit, readCommitFile, readCommits } from "./delta-log.ts";
import { listLog } from "./list-log.ts";
import { type Gap, gapsOf, isCutOff, isSameState } from "./log-checks.ts";
import { LogWatch, WATCHED_VERSIONS } from "./log-watch.ts";
import { type LostCommit, restoredAppId } from "./lost-commit.ts";
import { findSnapshot, readSnapshot } from "./read-snapshot.ts";
import { Snapshot } from "./snapshot.ts";
import { requireReadable } from "./table-features.ts";
import { tablePropertiesOf } from "./table-properties.ts";
import { evolvedMetadata } from "./table-schema.ts";
import { type TableTransaction, transactionActions } from "./transaction.ts";

/**
 * The log of a table as one writer follows it: its state, the commits that are to be handed over, and those of ours that
 * other tools have written over. Not for concurrent calls.
 */
export class TableLog {
  readonly #access: TableAccess;
  readonly #watch = new LogWatch();
  readonly #versionByCommitId = new Map<string, number>();
  readonly #lost = new Map<string, LostCommit>();
  #snapshot: Snapshot;
  #commitsInHand: Commit[] = [];
  #handedOver: number;
  /** Up to this version the log was seen to have what the snapshot was made from. */
  #confirmedVersion: number;
  #confirmedAtMs: number;
  /** Somebody has found a commit written over that this writer may not have looked at again. */
  #isFarLookDue = false;
  #lastPut: { readonly commitId: string; readonly version: number } | undefined;

  constructor(access: TableAccess, snapshot: Snapshot) {
    this.#access = access;
    this.#snapshot = snapshot;
    this.#handedOver = snapshot.version;
    this.#confirmedVersion = snapshot.version;
    this.#confirmedAtMs = access.clock.nowMs();
  }

  get snapshot(): Snapshot {
    return this.#snapshot;
  }

  /** The version that an attempt became, of the latest COMMIT_IDS_MAX and of those that were put here. */
  versionOf({ commitId, adds }: TableTransaction): number | undefined {
    const version = this.#versionByCommitId.get(commitId);
    if (version !== undefined || this.#lastPut?.commitId !== commitId || adds.length === 0) return version;
    // The log was cleaned up past it: only the state tells whether it was a version of the table, or put where one was.
    const { files, tombstones } = this.#snapshot;
    return adds.every(({ path }) => files.has(path) || tombstones.has(path)) ? this.#lastPut.version : undefined;
  }

  commitIdAt(version: number): string | undefined {
    return this.#watch.get(version)?.commitInfo?.txnId ?? undefined;
  }

  handOver(): Commit[] {
    const commits = this.#commitsInHand;
    this.#commitsInHand = [];
    this.#handedOver = this.#snapshot.version;
    return commits;
  }

  /** Those that nobody has put back yet, until they are forgotten. */
  lostCommits(): LostCommit[] {
    const { txnVersions } = this.#snapshot;
    return [...this.#lost].flatMap(([appId, found]) => (txnVersions.has(appId) ? [] : found));
  }

  forgetLost({ lost, by }: LostCommit): void {
    this.#lost.delete(restoredAppId(lost, by));
  }

  /** Writes the transaction as the next version. False where that exists, or where the answer says so. */
  async put(transaction: TableTransaction): Promise<boolean> {
    const { store, location, clock, columns = PHOTO_COLUMNS } = this.#access;
    const { version: stateVersion, metadata } = this.#snapshot;
    // A property that can't be understood must not be found out behind a commit.
    tablePropertiesOf(metadata, formatTableUri(location));
    const version = stateVersion + 1;
    const evolved = evolvedMetadata(transaction.metadata ?? metadata, columns, formatTableUri(location));
    const previous = this.#watch.get(stateVersion) ?? (await readCommit(this.#access, stateVersion));
    const context = { stateVersion, previous, evolved, nowMs: clock.nowMs() };
    const actions = transactionActions(transaction, context);
    const body = Buffer.from(serialiseActions(actions));
    if (!(await store.putIfAbsent(tableObject(location, commitPath(version)), body))) return false;
    const commit = commitOf(version, actions);
    this.#apply(commit);
    this.#watch.noteWritten(commit, body);
    this.#lastPut = { commitId: transaction.commitId, version };
    return true;
  }

  /** Reads the commits after the snapshot's version. */
  async readNew(): Promise<void> {
    for (;;) {
      const file = await readCommitFile(this.#access, this.#snapshot.version + 1);
      if (file === undefined) return;
      this.#apply(file.commit);
      this.#watch.noteRead(file.commit, file.etag);
    }
  }

  /**
   * Makes sure that the log has what the snapshot was made from, by one listing; where it has not, the snapshot is made
   * anew, from the log. Does nothing where the snapshot has not moved since, unless that was long ago: a late put may come
   * when nothing else does. To be called before anything is concluded from the snapshot, or a checkpoint written from it.
   */
  async confirm(): Promise<void> {
    const { clock } = this.#access;
    const isMoved = this.#snapshot.version !== this.#confirmedVersion;
    if (!isMoved && clock.nowMs() - this.#confirmedAtMs < CONFIRM_MS) return;
    for (;;) {
      const { version } = this.#snapshot;
      const first = this.#lookFrom(version);
      const listing = await listLog(this.#access, first);
      const overwritten = await this.#watch.firstOverwritten(this.#access, listing, first);
      if (overwritten === undefined) {
        const { version: put = -1 } = this.#lastPut ?? {};
        const from = this.#confirmedVersion;
        if (isCutOff(listing, { from, to: version, put: put > from ? put : undefined })) await this.#reload();
        this.#confirmedVersion = this.#snapshot.version;
        this.#confirmedAtMs = clock.nowMs();
        this.#isFarLookDue = false;
        return;
      }
      await this.#replayOrReload(overwritten.version);
    }
  }

  #lookFrom(version: number): number {
    const isFar = this.#isFarLookDue || version % FAR_LOOK_VERSIONS === 0;
    return Math.max(0, Math.min(this.#confirmedVersion, version - (isFar ? WATCHED_VERSIONS : CONFIRMED_VERSIONS)));
  }

  /**
   * Looks at the newest commits of a table that was just opened, also at those that a checkpoint has made superfluous: a
   * checkpoint knows nothing of a commit that was written over after it. What they say counts, not the checkpoint. Memory
   * and time: CHECKED_VERSIONS commits, and a second state of the table.
   *
   * @returns the records whose rows are missing without anybody's having noted what they were.
   */
  async checkHistory(): Promise<Gap[]> {
    try {
      const commits = await this.#readHistory();
      for (const [index, commit] of commits.entries()) this.#noteLost(commit, commits[index - 1]);
      const first = commits[0]?.version;
      if (first !== undefined && !(await this.#isWhatCommitsSay(commits))) await this.#replayFrom(first + 1);
      return gapsOf(commits);
    } catch (error) {
      if (!(error instanceof FruitstreamError && error.code === "invalid-table")) throw error;
      const fields = { event: "table_history_unreadable", err: error };
      this.#access.logger.warn(fields, "could not compare the table's newest commits with its state");
      return [];
    } finally {
      this.#confirmedVersion = this.#snapshot.version;
    }
  }

  /** Whether the state, which may come from a checkpoint, is the one that the latest commits lead to. */
  async #isWhatCommitsSay([first, ...later]: readonly Commit[]): Promise<boolean> {
    if (first === undefined) return true;
    const replayed = await readSnapshot(this.#access, { version: first.version });
    for (const commit of later) replayed.apply(commit);
    return isSameState(replayed, this.#snapshot);
  }

  /** The newest commits up to the snapshot's version, as far back as none is missing. */
  async #readHistory(): Promise<Commit[]> {
    const { version } = this.#snapshot;
    const listing = await listLog(this.#access, Math.max(0, version - CHECKED_VERSIONS));
    const listed = new Set(listing.commits);
    let first = version + 1;
    // What lies below the boundary may have been put where others were.
    while (first > listing.cleanedBelow && listed.has(first - 1)) first -= 1;
    const commits: Commit[] = [];
    for await (const commit of readCommits(this.#access, first - 1, version)) {
      commits.push(commit);
      this.#noteCommit(commit);
      this.#watch.noteRead(commit, listing.etags.get(commit.version));
    }
    return commits;
  }

  /** Where the log has been cleaned up to there, what stands under that name may have been put by one that slept. */
  async #replayOrReload(first: number): Promise<void> {
    try {
      await this.#replayFrom(first);
    } catch (error) {
      if (!(error instanceof FruitstreamError && error.code === "invalid-table")) throw error;
      await this.#reload();
    }
  }

  /**
   * The snapshot by the log's commits, whatever checkpoints say that hold a version from `first` on; those are written
   * anew. What this writer knew of commits under the same versions, and the log has no more, is lost.
   *
   * @throws invalid-table when the log before `first` has been cleaned up.
   */
  async #replayFrom(first: number): Promise<void> {
    const known = new Map(this.#watch.forgetFrom(first).map((commit) => [commit.version, commit]));
    for (const [commitId, version] of this.#versionByCommitId)
      if (version >= first) this.#versionByCommitId.delete(commitId);
    this.#commitsInHand = this.#commitsInHand.filter(({ version }) => version < first);
    let snapshot = first === 0 ? undefined : await findSnapshot(this.#access, { version: first - 1 });
    const listing = await listLog(this.#access, first);
    const checkpoints = new Set(listing.checkpoints.map(({ version }) => version));
    let previous = this.#watch.get(first - 1);
    for await (const commit of readCommits(this.#access, first - 1, listing.commits.at(-1) ?? first - 1)) {
      if (snapshot === undefined) snapshot = new Snapshot(commit);
      else snapshot.apply(commit);
      this.#noteLost(commit, previous);
      const gone = known.get(commit.version);
      if (gone && idOf(gone) !== idOf(commit)) this.#lose(overwritten(gone), commit);
      this.#noteCommit(commit);
      if (commit.version > this.#handedOver) this.#commitsInHand.push(commit);
      this.#watch.noteRead(commit, listing.etags.get(commit.version));
      if (checkpoints.has(commit.version)) await writeCheckpoint(this.#access, snapshot);
      previous = commit;
    }
    if (snapshot === undefined) return;
    requireReadable(snapshot, snapshot.files.values(), formatTableUri(this.#access.location));
    this.#snapshot = snapshot;
  }

  async writeCheckpointWhenDue(): Promise<void> {
    const { version, metadata } = this.#snapshot;
    const uri = formatTableUri(this.#access.location);
    if (version % tablePropertiesOf(metadata, uri).checkpointIntervalVersions !== 0) return;
    try {
      await writeCheckpoint(this.#access, this.#snapshot);
    } catch (error) {
      const fields = { event: "table_checkpoint_failed", err: error };
      this.#access.logger.warn(fields, "could not write a table checkpoint; readers replay the log until the next one");
    }
  }

  /** The log was cleaned up behind this writer, so that what it has read or written last may be nobody's. */
  async #reload(): Promise<void> {
    const snapshot = await readSnapshot(this.#access);
    const fields = { event: "table_log_cleaned_behind", version: this.#snapshot.version, newest: snapshot.version };
    this.#access.logger.warn(fields, "the table's log was cleaned up behind this process; reading the table anew");
    this.#watch.forgetFrom(0);
    this.#versionByCommitId.clear();
    this.#commitsInHand = [];
    this.#snapshot = snapshot;
    this.#handedOver = snapshot.version;
  }

  #apply(commit: Commit): void {
    const { metadata, protocol, version } = this.#snapshot;
    const next = { metadata: commit.metadata ?? metadata, protocol: commit.protocol ?? protocol };
    requireReadable(next, commit.adds, formatTableUri(this.#access.location));
    this.#snapshot.apply(commit);
    this.#commitsInHand.push(commit);
    this.#noteCommit(commit);
    this.#noteLost(commit, this.#watch.get(version));
    if (commit.commitInfo?.fruitstream?.settles) this.#isFarLookDue = true;
  }

  #noteCommit({ commitInfo, version }: Commit): void {
    const commitId = commitInfo?.txnId;
    if (commitId) this.#versionByCommitId.set(commitId, version);
    if (this.#versionByCommitId.size > COMMIT_IDS_MAX) {
      this.#versionByCommitId.delete(this.#versionByCommitId.keys().next().value!);
    }
  }

  #noteLost(commit: Commit, previous: Commit | undefined): void {
    const lost = overwrittenBefore(commit, previous);
    if (lost && previous) this.#lose(lost, previous);
  }

  #lose(lost: OverwrittenCommit, by: Commit): void {
    const appId = restoredAppId(lost, by);
    if (!this.#snapshot.txnVersions.has(appId)) this.#lost.set(appId, { lost, by });
  }
}

/** The latest attempts by which a repeated request is recognised. */
const COMMIT_IDS_MAX = 1000;

/** How many commits are looked at with each one that is made or read, and how often it is all that are remembered. */
const CONFIRMED_VERSIONS = 32;
const FAR_LOOK_VERSIONS = 10;

/** How many commits are read when a table is opened by a writer. */
const CHECKED_VERSIONS = 64;

const CONFIRM_MS = 60_000;
