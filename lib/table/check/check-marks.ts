import type { AddFile } from "../delta/actions.ts";
import type { Snapshot } from "../delta/snapshot.ts";
import { hasOffsets, highestMarks, markKey } from "../table-progress.ts";
import type { OnFinding } from "./table-finding.ts";

/** Holds rows against the offsets and high-water marks of the log, as they are read. */
export class MarksCheck {
  readonly #marks: ReadonlyMap<string, number>;
  readonly #hasOffsets: boolean;
  /** By run and source partition, of rows at or beyond the mark. */
  readonly #beyond = new Map<string, { rows: number; highest: number }>();
  #rows = 0;

  constructor({ txnVersions }: Pick<Snapshot, "txnVersions">) {
    this.#marks = highestMarks(txnVersions);
    this.#hasOffsets = hasOffsets(txnVersions);
  }

  add({ partitionValues }: AddFile, rows: readonly Record<string, unknown>[]): void {
    for (const { source_partition: partition, source_offset: offset } of rows) {
      if (typeof partition !== "number" || typeof offset !== "number") continue;
      this.#rows += 1;
      const key = markKey(partitionValues.run ?? "", partition);
      if (offset < (this.#marks.get(key) ?? 0)) continue;
      const found = this.#beyond.get(key) ?? { rows: 0, highest: 0 };
      this.#beyond.set(key, { rows: found.rows + 1, highest: Math.max(found.highest, offset) });
    }
  }

  /** Hands over what was found in all rows. */
  finish(onFinding: OnFinding): void {
    if (this.#rows > 0 && !this.#hasOffsets) {
      const detail = "the table has rows and no offsets of a features topic: they expired, or another tool wrote them";
      onFinding({ code: "no-offsets", where: "_delta_log", detail });
      return;
    }
    for (const [key, { rows, highest }] of this.#beyond) {
      const mark = this.#marks.get(key);
      const detail = `${rows} rows up to offset ${highest}, but the mark is ${mark ?? "missing"}: they would be taken again`;
      onFinding({ code: "row-beyond-mark", where: key, detail });
    }
  }
}
