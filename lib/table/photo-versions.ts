import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { AddFile } from "./delta/actions.ts";
import { changesOldRows } from "./delta/commit-chain.ts";
import { type Commit, readCommits } from "./delta/delta-log.ts";
import type { DeltaTable } from "./delta/delta-table.ts";
import { readSnapshot } from "./delta/read-snapshot.ts";
import { type Fingerprint, fingerprintKey, fingerprintOf, type PlacedPhotoVersion } from "./photo-version.ts";
import { eachPhotoVersion, mayHold, newestFirst } from "./photo-version-files.ts";
import { PhotoVersionSet } from "./photo-version-set.ts";
import { readPhotoVersions, writePhotoVersions } from "./photo-versions-checkpoint.ts";
import { movedOffsets } from "./table-progress.ts";

export interface PhotoVersionsOptions {
  readonly featuresTopic: string;
  /** Partitions of the features topic: those of source partition s are on partition s mod n. */
  readonly featuresPartitions: number;
  /**
   * A photo version of source partition s may be announced again on every features partition that equals s modulo this, a
   * divisor of `featuresPartitions`: where partitions were added to the topic of photos, it is less than that.
   */
  readonly sharedBy: number;
  /** Remembered of each features partition. With 0 nothing is known of any photo version. */
  readonly countMax: number;
  /** Those announced longer ago are not remembered. */
  readonly ageMsMax: number;
}

/** What is known of one features partition. */
interface Known {
  /** In the table at `tableVersion`. */
  set: PhotoVersionSet;
  tableVersion: number;
  /** Commits since the newest checkpoint that this member has made or read. */
  unsavedCommits: number;
  /** In the open window: when they were announced, by fingerprint. */
  readonly pending: Map<string, { readonly fingerprint: Fingerprint; readonly ingestedAtMs: number }>;
}

/** A new owner reads back what so many commits have added. */
const UNSAVED_COMMITS_MAX = 100;
/** Fewer are read back sooner than a checkpoint is written. */
const UNSAVED_COMMITS_MIN = 10;

/**
 * The photo versions that the table has, of the features partitions that a reducer owns, and those of its open window.
 *
 * A cache of the table, like the moments: a checkpoint that is lost, damaged or of another table costs time and nothing
 * else. The sets are never behind the table version that the owner has read its offsets at, and hold nothing that the
 * table did not have at their own version; so what they know is in the table, or the owner's next commit is fenced.
 * They are not complete: only the latest are remembered.
 */
export class PhotoVersions {
  readonly #table: DeltaTable;
  readonly #options: PhotoVersionsOptions;
  readonly #known = new Map<number, Known>();

  constructor(table: DeltaTable, options: PhotoVersionsOptions) {
    this.#table = table;
    this.#options = options;
  }

  /** Whether what is remembered is what a reducer of these topics has to know. */
  isOf({ featuresPartitions, sharedBy }: Pick<PhotoVersionsOptions, "featuresPartitions" | "sharedBy">): boolean {
    return this.#options.featuresPartitions === featuresPartitions && this.#options.sharedBy === sharedBy;
  }

  /**
   * These partitions are owned from now on, and no window is open. What is known of them already is kept, but for what an
   * earlier window has added and not committed. Afterwards the sets have everything up to the table version last read.
   */
  async own(partitions: readonly number[]): Promise<void> {
    if (this.#options.countMax === 0) return;
    for (const partition of this.#known.keys()) if (!partitions.includes(partition)) this.#known.delete(partition);
    for (const known of this.#known.values()) known.pending.clear();
    const { version } = this.#table.snapshot;
    const missing: number[] = [];
    for (const partition of partitions) {
      if (this.#known.has(partition)) continue;
      const checkpoint = await readPhotoVersions(this.#table, this.#of(partition), version, this.#options.countMax);
      if (!checkpoint) missing.push(partition);
      else {
        checkpoint.versions.forgetBefore(this.#oldestMs());
        this.#know(partition, checkpoint.versions, checkpoint.tableVersion);
      }
    }
    if (missing.length > 0) await this.#rebuild(missing);
    await this.#catchUp(version);
  }

  /** Photo versions remembered of all owned partitions. */
  get count(): number {
    return [...this.#known.values()].reduce((sum, { set, pending }) => sum + set.count + pending.size, 0);
  }

  /** Whether the table or the open window has the photo version. */
  has(partition: number, fingerprint: Fingerprint): boolean {
    const known = this.#known.get(partition);
    if (!known) return false;
    return known.set.has(fingerprint) || known.pending.has(fingerprintKey(fingerprint));
  }

  /** The open window has the photo version. */
  add(partition: number, fingerprint: Fingerprint, ingestedAtMs: number): void {
    for (const [other, { pending }] of this.#known) {
      if (this.#shareOf(other) !== this.#shareOf(partition)) continue;
      pending.set(fingerprintKey(fingerprint), { fingerprint, ingestedAtMs });
    }
  }

  /** The open window is in the table as this version; others have committed these. May be called again when it has failed. */
  async committed(tableVersion: number, others: readonly Commit[]): Promise<void> {
    for (const known of this.#known.values()) {
      if (known.pending.size > 0) known.unsavedCommits += 1;
      for (const { fingerprint, ingestedAtMs } of known.pending.values())
        this.#remember(known, fingerprint, ingestedAtMs);
      known.pending.clear();
    }
    await this.#seen(others, [tableVersion]);
    for (const known of this.#known.values()) known.tableVersion = Math.max(known.tableVersion, tableVersion);
    await this.#save(UNSAVED_COMMITS_MAX);
  }

  /** Others have committed these. May be called again when it has failed. */
  seen(commits: readonly Commit[]): Promise<void> {
    return this.#seen(commits, []);
  }

  /** Writes checkpoints where a new owner would have much to read back. */
  async save(): Promise<void> {
    await this.#save(UNSAVED_COMMITS_MIN);
  }

  async #seen(commits: readonly Commit[], ownVersions: readonly number[]): Promise<void> {
    const versions = new Set([...ownVersions, ...commits.map(({ version }) => version)]);
    // A table whose log was cleaned up behind this process was read anew, without its commits.
    const cutOff = [...this.#known].filter(([, known]) => hasGap(known.tableVersion, versions));
    if (cutOff.length > 0) await this.#rebuild(cutOff.map(([partition]) => partition));
    for (const commit of commits.toSorted((a, b) => a.version - b.version)) await this.#apply(commit);
  }

  /** Every set takes what it lacks of the versions up to this one, from the log; or from the files where the log has gaps. */
  async #catchUp(tableVersion: number): Promise<void> {
    const oldest = Math.min(...Array.from(this.#known.values(), (known) => known.tableVersion));
    if (!(oldest < tableVersion)) return;
    try {
      for await (const commit of readCommits(this.#table, oldest, tableVersion)) await this.#apply(commit);
    } catch (error) {
      if (!(error instanceof FruitstreamError && error.code === "invalid-table")) throw error;
      const fields = { event: "log_cleaned_behind_photo_versions", err: error, tableVersion: oldest };
      this.#table.logger.warn(
        fields,
        "the log has gaps behind a checkpoint of photo versions; reading the rows instead",
      );
      await this.#rebuild(
        [...this.#known].flatMap(([partition, known]) => (known.tableVersion < tableVersion ? partition : [])),
      );
    }
  }

  async #apply(commit: Commit): Promise<void> {
    const behind = [...this.#known].filter(([, known]) => known.tableVersion < commit.version);
    if (behind.length === 0) return;
    // Which rows another tool has deleted can't be told from the file that they were in.
    if (changesOldRows(commit)) {
      return this.#rebuild(behind.map(([partition]) => partition));
    }
    const offsets = movedOffsets(commit.txns, this.#options.featuresTopic);
    const moved = new Set([...offsets].map((partition) => this.#shareOf(partition)));
    // A reducer's commit moves the offset of every partition that it has rows of; other tools' commits move none.
    const concerned = new Map(behind.filter(([partition]) => moved.size === 0 || moved.has(this.#shareOf(partition))));
    try {
      await this.#addRowsOf(commit, concerned);
    } catch (error) {
      if (!(error instanceof FruitstreamError && error.code === "not-found")) throw error;
      // What was added then has been compacted and vacuumed since.
      return this.#rebuild(behind.map(([partition]) => partition));
    }
    for (const [, known] of behind) known.tableVersion = commit.version;
  }

  async #addRowsOf({ adds }: Commit, concerned: ReadonlyMap<number, Known>): Promise<void> {
    const files = this.#filesOf(
      adds.filter(({ dataChange }) => dataChange),
      concerned,
    );
    if (files.length === 0) return;
    const found: [Known, PlacedPhotoVersion][] = [];
    const byShare = this.#byShare(concerned);
    await eachPhotoVersion(this.#table, files, (version) => {
      for (const known of byShare.get(this.#shareOf(version.sourcePartition)) ?? []) found.push([known, version]);
    });
    for (const [known, version] of found) this.#remember(known, fingerprintOf(version), version.ingestedAtMs);
    for (const known of concerned.values()) known.unsavedCommits += 1;
  }

  /** From all rows of the table as it is now, the newest first, until nothing more would be remembered. */
  async #rebuild(partitions: readonly number[]): Promise<void> {
    const { logger, clock } = this.#table;
    const startedAtMs = clock.nowMs();
    const snapshot = await readSnapshot(this.#table);
    const sets = new Map(partitions.map((partition) => [partition, new PhotoVersionSet(this.#options.countMax)]));
    const files = newestFirst(this.#filesOf([...snapshot.files.values()], sets), this.#oldestMs());
    const byShare = this.#byShare(sets);
    let rows = 0;
    const isFull = () => [...sets.values()].every(({ count }) => count >= this.#options.countMax * FULL_PART);
    await eachPhotoVersion(
      this.#table,
      files,
      (version) => {
        const sharing = byShare.get(this.#shareOf(version.sourcePartition)) ?? [];
        const fingerprint = fingerprintOf(version);
        for (const set of sharing) this.#remember({ set }, fingerprint, version.ingestedAtMs);
        rows += Math.min(1, sharing.length);
      },
      { isEnough: isFull, skipsMissing: true },
    );
    for (const [partition, set] of sets) {
      this.#know(partition, set, snapshot.version).unsavedCommits = UNSAVED_COMMITS_MIN;
    }
    const tookMs = Math.round(clock.nowMs() - startedAtMs);
    const fields = { event: "photo_versions_rebuilt", partitions, files: files.length, rows, tookMs };
    if (files.length > 0) logger.info(fields, "photo versions read from the table's rows");
    await this.#save(UNSAVED_COMMITS_MIN);
  }

  #know(partition: number, set: PhotoVersionSet, tableVersion: number): Known {
    const pending: Known["pending"] = this.#known.get(partition)?.pending ?? new Map();
    const known = { set, tableVersion, unsavedCommits: 0, pending };
    this.#known.set(partition, known);
    return known;
  }

  #remember({ set }: Pick<Known, "set">, fingerprint: Fingerprint, ingestedAtMs: number): void {
    if (ingestedAtMs < this.#oldestMs()) return;
    // A time to come would be the last to be forgotten.
    set.add(fingerprint, Math.min(ingestedAtMs, this.#table.clock.nowMs()));
  }

  async #save(unsavedMin: number): Promise<void> {
    for (const [partition, known] of this.#known) {
      if (known.unsavedCommits < unsavedMin) continue;
      known.set.forgetBefore(this.#oldestMs());
      const { set: versions, tableVersion } = known;
      const commitId = this.#table.commitIdAt(tableVersion);
      await writePhotoVersions(this.#table, this.#of(partition), { tableVersion, commitId, versions });
      known.unsavedCommits = 0;
    }
  }

  #oldestMs(): number {
    return this.#table.clock.nowMs() - this.#options.ageMsMax;
  }

  #of(partition: number) {
    const { featuresPartitions: partitions, sharedBy } = this.#options;
    return { tableId: this.#table.snapshot.metadata.id, partition, partitions, sharedBy };
  }

  /** Partitions of `photos` and of `features` with the same one have the same photo versions. */
  #shareOf(partition: number): number {
    return partition % this.#options.sharedBy;
  }

  #byShare<Of>(partitions: ReadonlyMap<number, Of>): ReadonlyMap<number, Of[]> {
    const grouped = Map.groupBy(partitions, ([partition]) => this.#shareOf(partition));
    return new Map([...grouped].map(([share, entries]) => [share, entries.map(([, of]) => of)]));
  }

  #filesOf(files: readonly AddFile[], partitions: ReadonlyMap<number, unknown>): AddFile[] {
    const shares = new Set([...partitions.keys()].map((partition) => this.#shareOf(partition)));
    return files.filter((file) => mayHold(file, (source) => shares.has(this.#shareOf(source)), this.#options.sharedBy));
  }
}

/** A set that has forgotten its oldest eighth is as full as it gets. */
const FULL_PART = 7 / 8;

/** Whether a version is missing between that one and the newest of these. */
function hasGap(afterVersion: number, versions: ReadonlySet<number>): boolean {
  const newest = Math.max(...versions);
  for (let version = afterVersion + 1; version < newest; version++) if (!versions.has(version)) return true;
  return false;
}
