import { type Basis, computeBasis, project } from "#lib/pca/basis.ts";
import { basisDue, turnedTooFar } from "#lib/pca/basis-policy.ts";
import type { MatrixKernel } from "#lib/pca/kernel/matrix-kernel.ts";
import { type Moments, momentsOfRows } from "#lib/pca/moments.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import { metrics } from "#lib/runtime/metrics.ts";
import { BasisStore } from "#lib/table/basis-store.ts";
import type { Commit } from "#lib/table/delta/delta-log.ts";
import { joinVectors } from "#lib/table/join-vectors.ts";
import { groupBySubject, type PcaSubject, subjectKey } from "#lib/table/pca-subject.ts";
import type { PhotoRow } from "#lib/table/photo-row.ts";
import type { TableAccess } from "#lib/table/table-location.ts";
import { TableMoments } from "./table-moments.ts";

export interface BasisKeeperSettings {
  /** k, the number of principal components. */
  readonly components: number;
  /** A candidate that has turned by more is published before the rows have doubled. */
  readonly angleDegreesMax: number;
}

interface SubjectState {
  readonly subject: PcaSubject;
  readonly bases: BasisStore;
  moments: TableMoments | undefined;
  consideredRowCount: number;
}

/** A variance needs two rows. */
const FIRST_BASIS_ROWS_MIN = 2;
/** After so many table versions without one, a checkpoint is written: a new keeper then reads back what came since. */
const UNSAVED_VERSIONS_MAX = 32;
/** Moments in memory at the same time: at 4096 dimensions 67 MB each. Those unused for longest go to their checkpoint. */
const SUBJECTS_HELD_MAX = 4;

/**
 * Projects rows onto the newest basis and keeps the bases up to date.
 *
 * Of all reducers, one keeps the moments: the owner of features partition 0. It folds in its own windows from memory and
 * those of the others from the table, so that each row is folded once, and publishes a basis when one is due. The others
 * only project, and hold no moments. Should two believe themselves the keeper for a moment, both compute the same thing:
 * moments are a function of the table, and a basis version is published once.
 */
export class BasisKeeper {
  readonly #access: TableAccess;
  readonly #kernel: MatrixKernel;
  readonly #settings: BasisKeeperSettings;
  readonly #logger: Logger;
  readonly #subjects = new Map<string, SubjectState>();
  #isKeeping = false;

  constructor(access: TableAccess, kernel: MatrixKernel, settings: BasisKeeperSettings) {
    this.#access = access;
    this.#kernel = kernel;
    this.#settings = settings;
    this.#logger = access.logger;
  }

  /** Whether it keeps the moments. */
  get isKeeping(): boolean {
    return this.#isKeeping;
  }

  /**
   * Says whether it keeps the moments from now on. One that does not lets go what it holds, without a checkpoint: another
   * is the keeper, and reads back no more than what came since the newest one. When it keeps them again it begins from the
   * newest checkpoint, whoever wrote it.
   */
  set isKeeping(isKeeping: boolean) {
    this.#isKeeping = isKeeping;
    if (isKeeping) return;
    for (const state of this.#subjects.values()) state.moments = undefined;
  }

  /**
   * The rows with `pcaFeatures` and `pcaVersion`, as far as there is a basis or enough rows for a first one. Vectors that
   * were projected lie one after the other in memory, so that `joinVectors` copies them no more.
   */
  async project(rows: readonly PhotoRow[]): Promise<PhotoRow[]> {
    const projected: PhotoRow[] = [];
    for (const group of groupBySubject(rows)) projected.push(...(await this.#projectGroup(group)));
    return projected;
  }

  /** The rows are in the table as this version. */
  async committed(version: number, rows: readonly PhotoRow[]): Promise<void> {
    if (!this.#isKeeping) return;
    for (const group of groupBySubject(rows)) {
      const state = this.#stateOf(group[0]!);
      const moments = await this.#momentsOf(state, group[0]!.features.length);
      await moments.foldOwn(version, joinVectors(group.map(({ features }) => features)));
      await this.#folded(state, moments);
    }
  }

  /** Others have committed these versions. */
  async seen(commits: readonly Commit[]): Promise<void> {
    const newest = commits.at(-1);
    if (!this.#isKeeping || !newest) return;
    for (const subject of subjectsOf(commits)) {
      const state = this.#stateOf(subject);
      const basis = state.bases.newest ?? (await state.bases.refresh());
      // Without a basis the length of the vectors is not known yet; the first window to come tells it.
      if (!state.moments && !basis) continue;
      const moments = await this.#momentsOf(state, basis?.dimensions ?? 0);
      await moments.catchUp(newest.version);
      await this.#folded(state, moments);
    }
  }

  /** Writes checkpoints of what was folded since the last. */
  async save(): Promise<void> {
    for (const { moments } of this.#subjects.values()) if (moments && moments.unsavedVersions > 0) await moments.save();
  }

  async #projectGroup(rows: readonly PhotoRow[]): Promise<PhotoRow[]> {
    const { bases } = this.#stateOf(rows[0]!);
    const matrix = joinVectors(rows.map(({ features }) => features));
    const basis = (await bases.refresh()) ?? (await this.#firstBasis(bases, matrix, rows));
    if (!basis) return [...rows];
    const coordinates = project(basis, matrix);
    const { version, dimensions: d, componentCount: k } = basis;
    return rows.map((row, index) => ({
      ...row,
      features: matrix.subarray(index * d, (index + 1) * d),
      pcaFeatures: coordinates.subarray(index * k, (index + 1) * k),
      pcaVersion: version,
    }));
  }

  /** From the first window alone, so that hardly a row is without coordinates; better ones follow as the rows grow. */
  async #firstBasis(bases: BasisStore, matrix: Float32Array, rows: readonly PhotoRow[]): Promise<Basis | undefined> {
    if (rows.length < FIRST_BASIS_ROWS_MIN) return undefined;
    const moments = await momentsOfRows(matrix, rows[0]!.features.length, this.#kernel);
    return this.#publish(rows[0]!, bases, await this.#compute(moments, undefined));
  }

  async #folded(state: SubjectState, tableMoments: TableMoments): Promise<void> {
    const { moments } = tableMoments;
    const published = state.bases.newest;
    const hasOtherSize = published && published.componentCount !== this.#settings.components;
    const due = hasOtherSize
      ? "publish"
      : basisDue({
          rowCount: moments.count,
          basisRowCount: published?.rowCount ?? 0,
          consideredRowCount: state.consideredRowCount,
        });
    if (due !== "keep") {
      state.consideredRowCount = moments.count;
      const candidate = await this.#compute(moments, published);
      if (due === "publish" || !published || turnedTooFar(published, candidate, this.#settings.angleDegreesMax)) {
        await this.#publish(state.subject, state.bases, candidate);
      }
    }
    if (tableMoments.unsavedVersions >= UNSAVED_VERSIONS_MAX) await tableMoments.save();
  }

  async #compute(moments: Moments, previous: Basis | undefined): Promise<Basis> {
    const { components } = this.#settings;
    if (components <= moments.dimensions) return await computeBasis(moments, components, this.#kernel, previous);
    const message = `REDUCER_COMPONENTS is ${components}, but the model's vectors have ${moments.dimensions} values`;
    throw new FruitstreamError("invalid-config", message);
  }

  async #publish(subject: PcaSubject, bases: BasisStore, candidate: Basis): Promise<Basis> {
    const basis = await bases.publish(candidate);
    const { model, run } = subject;
    metrics.basisVersion.set({ model, run }, basis.version);
    const { version, rowCount, converged, residual } = basis;
    this.#logger.info({ model, run, basis: version, rowCount, converged, residual }, "basis published");
    return basis;
  }

  async #momentsOf(state: SubjectState, dimensions: number): Promise<TableMoments> {
    if (!state.moments) {
      await this.#makeRoom();
      state.moments = await TableMoments.load(this.#access, state.subject, dimensions, this.#kernel);
    }
    // The latest used is last, so that the first to be let go is the one unused for longest.
    const key = subjectKey(state.subject);
    this.#subjects.delete(key);
    this.#subjects.set(key, state);
    return state.moments;
  }

  async #makeRoom(): Promise<void> {
    const held = [...this.#subjects.values()].filter(({ moments }) => moments !== undefined);
    for (const state of held.slice(0, Math.max(0, held.length - SUBJECTS_HELD_MAX + 1))) {
      if (state.moments && state.moments.unsavedVersions > 0) await state.moments.save();
      state.moments = undefined;
    }
  }

  #stateOf({ model, run }: PcaSubject): SubjectState {
    const subject = { model, run };
    const key = subjectKey(subject);
    const known = this.#subjects.get(key);
    if (known) return known;
    const bases = new BasisStore(this.#access, subject);
    const state: SubjectState = { subject, bases, moments: undefined, consideredRowCount: 0 };
    this.#subjects.set(key, state);
    return state;
  }
}

function subjectsOf(commits: readonly Commit[]): PcaSubject[] {
  const files = commits.flatMap(({ adds }) => adds);
  const subjects = files.map(({ partitionValues: { model, run } }) => ({ model: model ?? "", run: run ?? "" }));
  return [...new Map(subjects.map((subject) => [subjectKey(subject), subject])).values()];
}
