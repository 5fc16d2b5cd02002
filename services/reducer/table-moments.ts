import type { MatrixKernel } from "#lib/pca/kernel/matrix-kernel.ts";
import { emptyMoments, foldMoments, type Moments, momentsOfRows } from "#lib/pca/moments.ts";
import { decodeMoments, encodeMoments, MOMENTS_BYTES_MAX } from "#lib/pca/moments-codec.ts";
import { PcaError } from "#lib/pca/pca-error.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { AddFile } from "#lib/table/delta/actions.ts";
import { changesOldRows, mayHaveCommit } from "#lib/table/delta/commit-chain.ts";
import { digits, readCommits } from "#lib/table/delta/delta-log.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { readSnapshot } from "#lib/table/delta/read-snapshot.ts";
import type { Snapshot } from "#lib/table/delta/snapshot.ts";
import { readFeatures } from "#lib/table/feature-vectors.ts";
import { type PcaSubject, subjectFolder } from "#lib/table/pca-subject.ts";
import { formatTableUri, type TableAccess, tableObject } from "#lib/table/table-location.ts";

/** Of a table that is written to it is known which commit each of the latest versions was. */
type MomentsAccess = TableAccess & Partial<Pick<DeltaTable, "commitIdAt">>;

/** Of moments that have not been loaded yet. */
const NO_VERSION = -1;
/** A second one is kept in case the newest is damaged. */
const CHECKPOINTS_KEPT = 2;

/**
 * The moments of all rows that a subject has in the table, at one version of it: a cache of the table. What a checkpoint
 * doesn't cover is folded in again from the rows, so a checkpoint that is lost, corrupt or of another model costs time
 * and nothing else. Every step either moves the moments to a later version as a whole or leaves them as they were, so
 * a step that failed can be tried again. Rows that other tools have written without a usable vector are left out, with a
 * warning. Memory: three triangles of d(d+1)/2 float64, and of a data file what `readFeatures` holds.
 */
export class TableMoments {
  readonly #access: MomentsAccess;
  readonly #subject: PcaSubject;
  readonly #kernel: MatrixKernel;
  #moments: Moments;
  #version: number;
  /** The version of the newest checkpoint that is known to hold them. */
  #savedVersion: number;

  private constructor(
    access: MomentsAccess,
    subject: PcaSubject,
    kernel: MatrixKernel,
    moments: Moments,
    version: number,
  ) {
    this.#access = access;
    this.#subject = subject;
    this.#kernel = kernel;
    this.#moments = moments;
    this.#version = version;
    this.#savedVersion = version;
  }

  /** From the newest usable checkpoint, or, when there is none, from all rows of the table. */
  static async load(access: MomentsAccess, subject: PcaSubject, dimensions: number, kernel: MatrixKernel) {
    const snapshot = await requireSnapshot(access);
    const checkpoint = await newestCheckpoint(access, subject, dimensions, snapshot.version);
    if (checkpoint) return new TableMoments(access, subject, kernel, checkpoint.moments, checkpoint.tableVersion);
    const loaded = new TableMoments(access, subject, kernel, emptyMoments(dimensions), NO_VERSION);
    await loaded.#rebuild(snapshot);
    return loaded;
  }

  get moments(): Readonly<Moments> {
    return this.#moments;
  }

  /** The table version that the moments cover. */
  get version(): number {
    return this.#version;
  }

  /** How many versions of the table a reader of the newest checkpoint would have to go on by to be where these are. */
  get unsavedVersions(): number {
    return this.#version - this.#savedVersion;
  }

  /** Folds in the subject's rows of the versions after the covered one, up to and with `version`, reading them back. */
  async catchUp(version: number): Promise<void> {
    try {
      await this.#foldCommits(version);
    } catch (error) {
      // A commit that is gone was cleaned up; a file that is gone was compacted and vacuumed.
      if (!(error instanceof FruitstreamError && ["invalid-table", "not-found"].includes(error.code))) throw error;
      const fields = { event: "log_cleaned_behind_moments", err: error, tableVersion: this.#version };
      this.#access.logger.warn(fields, "the log has gaps behind these moments; reading all rows instead");
      await this.#rebuild(await requireSnapshot(this.#access));
    }
  }

  async #foldCommits(version: number): Promise<void> {
    for await (const commit of readCommits(this.#access, this.#version, version)) {
      // Rows that another tool has deleted can't be told from their file; the rows that are left can.
      if (changesOldRows(commit)) return this.#rebuild(await requireSnapshot(this.#access));
      const added = await this.#momentsOfFiles(commit.adds.filter(({ dataChange }) => dataChange));
      foldMoments(this.#moments, added);
      this.#version = commit.version;
    }
  }

  /** Folds in the rows of one version that the caller has committed itself and still holds: n × d, row-major. */
  async foldOwn(version: number, rows: Float32Array): Promise<void> {
    await this.catchUp(version - 1);
    if (version <= this.#version) return;
    foldMoments(this.#moments, await momentsOfRows(rows, this.#moments.dimensions, this.#kernel));
    this.#version = version;
  }

  /** Writes a checkpoint and removes those that are no longer needed. */
  async save(): Promise<void> {
    const { store, location } = this.#access;
    const folder = subjectFolder("moments", this.#subject);
    const name = `${digits(this.#version)}.moments`;
    const commitId = this.#access.commitIdAt?.(this.#version);
    const bytes = encodeMoments({ ...this.#subject, tableVersion: this.#version, commitId, moments: this.#moments });
    await store.put(tableObject(location, folder + name), bytes);
    this.#savedVersion = this.#version;
    const kept = await checkpointKeys(this.#access, this.#subject);
    for (const key of kept.slice(0, -CHECKPOINTS_KEPT)) await store.delete({ bucket: location.bucket, key });
  }

  async #rebuild(snapshot: Snapshot): Promise<void> {
    this.#moments = await this.#momentsOfFiles([...snapshot.files.values()]);
    this.#version = snapshot.version;
  }

  async #momentsOfFiles(files: readonly AddFile[]): Promise<Moments> {
    const { dimensions } = this.#moments;
    const total = emptyMoments(dimensions);
    for (const file of files) {
      const { model, run } = file.partitionValues;
      if (model !== this.#subject.model || run !== this.#subject.run) continue;
      let passedOver = 0;
      for await (const vectors of readFeatures(this.#access, file, dimensions)) {
        foldMoments(total, await momentsOfRows(vectors.values, dimensions, this.#kernel));
        passedOver += vectors.passedOver;
      }
      if (passedOver > 0) this.#warnOfRows(file, passedOver);
    }
    return total;
  }

  #warnOfRows({ path }: AddFile, rows: number): void {
    const fields = { event: "rows_without_features", file: path, rows, dimensions: this.#moments.dimensions };
    this.#access.logger.warn(fields, "left rows without usable features out of the PCA; other tools have written them");
  }
}

async function requireSnapshot(access: TableAccess): Promise<Snapshot> {
  const snapshot = await readSnapshot(access);
  if (snapshot) return snapshot;
  throw new FruitstreamError("invalid-table", `the table at ${formatTableUri(access.location)} is gone; restore it`);
}

async function newestCheckpoint(access: TableAccess, subject: PcaSubject, dimensions: number, versionMax: number) {
  const { store, location, logger } = access;
  for (const key of (await checkpointKeys(access, subject)).reverse()) {
    try {
      const { bytes } = await store.get({ bucket: location.bucket, key }, { bytesMax: MOMENTS_BYTES_MAX });
      const checkpoint = decodeMoments(bytes, { ...subject, dimensions });
      const { tableVersion, commitId } = checkpoint;
      if (tableVersion <= versionMax && (await mayHaveCommit(access, tableVersion, commitId))) return checkpoint;
    } catch (error) {
      // Not found: the keeper before this one has removed it after writing a newer one.
      const isGone = error instanceof FruitstreamError && error.code === "not-found";
      if (!isGone && !(error instanceof PcaError)) throw error;
      const fields = { event: "moments_checkpoint_unusable", err: error, key };
      logger.warn(fields, "could not use a checkpoint of moments; reading the rows instead");
    }
  }
  return undefined;
}

/** Oldest first. */
async function checkpointKeys({ store, location }: TableAccess, subject: PcaSubject): Promise<string[]> {
  const { bucket, key: prefix } = tableObject(location, subjectFolder("moments", subject));
  const keys: string[] = [];
  for await (const { key } of store.list(bucket, prefix)) keys.push(key);
  return keys;
}
