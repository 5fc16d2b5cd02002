import { basisDue, turnedTooFar } from "#lib/pca/basis-policy.ts";
import type { MatrixKernel } from "#lib/pca/kernel/matrix-kernel.ts";
import type { Commit } from "#lib/table/delta/delta-log.ts";
import { joinVectors } from "#lib/table/join-vectors.ts";
import { groupBySubject, type PcaSubject, subjectKey, subjectOf } from "#lib/table/pca-subject.ts";
import type { PhotoRow } from "#lib/table/photo-row.ts";
import type { TableAccess } from "#lib/table/table-location.ts";
import type { SubjectBases } from "./subject-bases.ts";
import { TableMoments } from "./table-moments.ts";

interface SubjectState {
  readonly subject: PcaSubject;
  moments: TableMoments | undefined;
  consideredRowCount: number;
}

/** After so many table versions without one, a checkpoint is written: a new keeper then reads back what came since. */
const UNSAVED_VERSIONS_MAX = 32;
/** Moments in memory at the same time: at 4096 dimensions 67 MB each. Those unused for longest go to their checkpoint. */
const SUBJECTS_HELD_MAX = 4;

/**
 * Keeps the moments of the table's rows, and publishes a basis when one is due.
 *
 * Of all reducers one has a keeper: the owner of features partition 0. It folds in its own windows from memory and those
 * of the others from the table, so that each row is folded once. Should two believe themselves the keeper for a moment,
 * both compute the same thing: moments are a function of the table, and a basis version is published once.
 *
 * A keeper lives as long as its reducer owns that partition. What it holds goes with it, without a checkpoint: another is
 * the keeper by then, and reads back no more than what came since the newest one.
 */
export class BasisKeeper {
  readonly #access: TableAccess;
  readonly #kernel: MatrixKernel;
  readonly #bases: SubjectBases;
  readonly #angleDegreesMax: number;
  readonly #subjects = new Map<string, SubjectState>();

  /** @param angleDegreesMax a candidate that has turned by more is published before the rows have doubled. */
  constructor(access: TableAccess, kernel: MatrixKernel, bases: SubjectBases, angleDegreesMax: number) {
    this.#access = access;
    this.#kernel = kernel;
    this.#bases = bases;
    this.#angleDegreesMax = angleDegreesMax;
  }

  /** The rows are in the table as this version. */
  async committed(version: number, rows: readonly PhotoRow[]): Promise<void> {
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
    if (!newest) return;
    for (const subject of subjectsOf(commits)) {
      const state = this.#stateOf(subject);
      const basis = this.#bases.newest(subject) ?? (await this.#bases.refresh(subject));
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

  async #folded(state: SubjectState, tableMoments: TableMoments): Promise<void> {
    const { moments } = tableMoments;
    const published = this.#bases.newest(state.subject);
    const hasOtherSize = published && published.componentCount !== this.#bases.componentCount;
    const due = hasOtherSize
      ? "publish"
      : basisDue({
          rowCount: moments.count,
          basisRowCount: published?.rowCount ?? 0,
          consideredRowCount: state.consideredRowCount,
        });
    if (due !== "keep") {
      state.consideredRowCount = moments.count;
      const candidate = await this.#bases.compute(state.subject, moments);
      if (due === "publish" || !published || turnedTooFar(published, candidate, this.#angleDegreesMax)) {
        await this.#bases.publish(state.subject, candidate);
      }
    }
    if (tableMoments.unsavedVersions >= UNSAVED_VERSIONS_MAX) await tableMoments.save();
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
    const state: SubjectState = { subject, moments: undefined, consideredRowCount: 0 };
    this.#subjects.set(key, state);
    return state;
  }
}

function subjectsOf(commits: readonly Commit[]): PcaSubject[] {
  const subjects = commits.flatMap(({ adds }) => adds.map(subjectOf));
  return [...new Map(subjects.map((subject) => [subjectKey(subject), subject])).values()];
}
