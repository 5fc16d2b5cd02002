import type { PhotoFeatures } from "#lib/messages/messages.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { type PcaSubject, subjectKey } from "#lib/table/pca-subject.ts";
import { readFeatures } from "#lib/table/table-files.ts";

/** What a vector's length may be where nothing is known of its model yet. */
export interface VectorLengthBounds {
  /** k, the number of principal components: with fewer values there are no such components. */
  readonly components: number;
  /** Moments take memory by its square. */
  readonly valuesMax: number;
}

/**
 * How many values a vector of each model and run has: what the table's rows of the model have, whichever their run, or
 * else the first vector's.
 */
export class VectorLengths {
  readonly #table: DeltaTable;
  readonly #bounds: VectorLengthBounds;
  readonly #lengths = new Map<string, number>();

  constructor(table: DeltaTable, bounds: VectorLengthBounds) {
    this.#table = table;
    this.#bounds = bounds;
  }

  /** What `of` or `note` has told before, without asking the table. */
  known(subject: PcaSubject): number | undefined {
    return this.#lengths.get(subjectKey(subject));
  }

  /** Undefined when neither the table nor `note` has told it yet. Reads one file of the table at most once. */
  async of(subject: PcaSubject): Promise<number | undefined> {
    const known = this.known(subject);
    if (known !== undefined) return known;
    const files = [...this.#table.snapshot.files.values()];
    const ofModel = files.filter(({ partitionValues }) => partitionValues.model === subject.model);
    const file = ofModel.find(({ partitionValues }) => partitionValues.run === subject.run) ?? ofModel[0];
    if (!file) return undefined;
    const { dimensions } = await readFeatures(this.#table, file);
    this.note(subject, dimensions);
    return dimensions;
  }

  /** Why a vector can't be the first of its subject; undefined when it can. */
  problemOfFirst({ model, features }: PhotoFeatures): FruitstreamError | undefined {
    const { components, valuesMax } = this.#bounds;
    if (features.length >= components && features.length <= valuesMax) return undefined;
    const bounds = `REDUCER_COMPONENTS asks for ${components} at least, REDUCER_VECTOR_VALUES_MAX allows ${valuesMax}`;
    const problem = `the first vector of model "${model}" has ${features.length} values; ${bounds}`;
    return new FruitstreamError("poison-message", problem);
  }

  note(subject: PcaSubject, length: number): void {
    this.#lengths.set(subjectKey(subject), length);
  }
}
