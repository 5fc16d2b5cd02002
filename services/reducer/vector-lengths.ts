import type { PhotoFeatures } from "#lib/messages/messages.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { vectorLengthOf } from "#lib/table/feature-vectors.ts";
import { type PcaSubject, subjectKey } from "#lib/table/pca-subject.ts";
import type { KnownModels } from "./known-models.ts";
import type { SubjectBases } from "./subject-bases.ts";

/** What a vector's length may be where nothing is known of its model yet. */
export interface VectorLengthBounds {
  /** k, the number of principal components: with fewer values there are no such components. */
  readonly components: number;
  /** Moments take memory by its square. */
  readonly valuesMax: number;
  /** The models that there are, as the operator says; undefined where the first vector of each is to be believed. */
  readonly models?: KnownModels | undefined;
}

/**
 * How many values a vector of each model and run has: what its basis has, or else the table's rows of the model, whichever
 * their run, or else what the operator says of the model, or else the first vector.
 */
export class VectorLengths {
  readonly #table: DeltaTable;
  readonly #bases: SubjectBases;
  readonly #bounds: VectorLengthBounds;
  readonly #lengths = new Map<string, number>();

  constructor(table: DeltaTable, bases: SubjectBases, bounds: VectorLengthBounds) {
    this.#table = table;
    this.#bases = bases;
    this.#bounds = bounds;
  }

  /** What `of` or `note` has told before, without asking the table. */
  known(subject: PcaSubject): number | undefined {
    return this.#lengths.get(subjectKey(subject));
  }

  /**
   * Undefined when neither a basis nor the table nor `note` has told it yet. Bases come first, since only reducers publish
   * them: rows may be anybody's. Reads a page of the first of the table's files that tells it.
   */
  async of(subject: PcaSubject): Promise<number | undefined> {
    const length =
      this.known(subject) ?? (await this.#bases.refresh(subject))?.dimensions ?? (await this.#inFiles(subject));
    if (length !== undefined) this.note(subject, length);
    return length;
  }

  async #inFiles({ model, run }: PcaSubject): Promise<number | undefined> {
    const ofModel = Array.from(this.#table.snapshot.files.values()).filter(
      (file) => file.partitionValues.model === model,
    );
    const ofRun = ofModel.filter((file) => file.partitionValues.run === run);
    const ofOthers = ofModel.filter((file) => file.partitionValues.run !== run);
    for (const file of [...ofRun, ...ofOthers]) {
      const length = await vectorLengthOf(this.#table, file);
      if (length !== undefined) return length;
    }
    return undefined;
  }

  /** Why a vector can't be the first of its subject; undefined when it can. */
  problemOfFirst({ model, features }: PhotoFeatures): FruitstreamError | undefined {
    const { components, valuesMax, models } = this.#bounds;
    const known = models?.get(model);
    if (models && known === undefined) {
      const problem = `the first vector of model "${model}", which REDUCER_MODELS does not name`;
      return new FruitstreamError("poison-message", `${problem}; add "${model}=VALUES" to it if the model is yours`);
    }
    if (known !== undefined && known !== features.length) {
      const problem = `a vector of model "${model}" has ${features.length} values, REDUCER_MODELS says ${known}`;
      return new FruitstreamError("poison-message", problem);
    }
    if (features.length >= components && features.length <= valuesMax) return undefined;
    const bounds = `REDUCER_COMPONENTS asks for ${components} at least, REDUCER_VECTOR_VALUES_MAX allows ${valuesMax}`;
    const problem = `the first vector of model "${model}" has ${features.length} values; ${bounds}`;
    return new FruitstreamError("poison-message", problem);
  }

  note(subject: PcaSubject, length: number): void {
    this.#lengths.set(subjectKey(subject), length);
  }
}
