import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { type PcaSubject, subjectKey } from "#lib/table/pca-subject.ts";
import { readFeatures } from "#lib/table/table-files.ts";

/** How many values a vector of each model and run has: what the table's rows have, or else the first vector's. */
export class VectorLengths {
  readonly #table: DeltaTable;
  readonly #lengths = new Map<string, number>();

  constructor(table: DeltaTable) {
    this.#table = table;
  }

  /** What `of` or `note` has told before, without asking the table. */
  known(subject: PcaSubject): number | undefined {
    return this.#lengths.get(subjectKey(subject));
  }

  /** Undefined when neither the table nor `note` has told it yet. Reads one file of the table at most once. */
  async of(subject: PcaSubject): Promise<number | undefined> {
    const known = this.known(subject);
    if (known !== undefined) return known;
    const { model, run } = subject;
    for (const file of this.#table.snapshot.files.values()) {
      if (file.partitionValues.model !== model || file.partitionValues.run !== run) continue;
      const { dimensions } = await readFeatures(this.#table, file);
      this.note(subject, dimensions);
      return dimensions;
    }
    return undefined;
  }

  note(subject: PcaSubject, length: number): void {
    this.#lengths.set(subjectKey(subject), length);
  }
}
