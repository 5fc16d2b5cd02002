import { basisPath } from "../basis-store.ts";
import type { AddFile } from "../delta/actions.ts";
import { type PcaSubject, subjectKey, subjectOf } from "../pca-subject.ts";
import { SIDE_FOLDER, type TableAccess, tableObject } from "../table-location.ts";
import type { OnFinding } from "./table-finding.ts";

/** Which bases rows name, as they are read. */
export class BasesCheck {
  readonly #named = new Map<string, PcaSubject & { versions: Map<number, number> }>();

  add(file: AddFile, rows: readonly Record<string, unknown>[]): void {
    const subject = subjectOf(file);
    const key = subjectKey(subject);
    const named = this.#named.get(key) ?? { ...subject, versions: new Map<number, number>() };
    this.#named.set(key, named);
    for (const { pca_version: version } of rows) {
      if (typeof version === "number") named.versions.set(version, (named.versions.get(version) ?? 0) + 1);
    }
  }

  /** Hands over the bases that rows name and that are not beside the table. */
  async finish(access: TableAccess, onFinding: OnFinding): Promise<void> {
    if (this.#named.size === 0) return;
    const folder = tableObject(access.location, `${SIDE_FOLDER}/bases/`);
    const root = tableObject(access.location, "").key;
    const present = new Set<string>();
    for await (const { key } of access.store.list(folder.bucket, folder.key)) present.add(key.slice(root.length));
    for (const { versions, ...subject } of this.#named.values()) {
      for (const [version, rows] of versions) {
        const where = basisPath(subject, version);
        if (present.has(where)) continue;
        onFinding({ code: "basis-missing", where, detail: `${rows} rows are projected onto it, and it is not there` });
      }
    }
  }
}
