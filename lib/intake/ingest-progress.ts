import { suffixOf } from "#lib/photo/photo-suffixes.ts";
import type { OnFault } from "./photo-fault.ts";

/** How far a backfill or an upload has come. Counts are of photos, but for `skipped`, which is of other files. */
export interface IngestProgress {
  /** Acknowledged by Kafka. */
  readonly announced: number;
  /** Written to S3 by this upload. */
  readonly uploaded: number;
  /** Found on S3 with the same content. */
  readonly existing: number;
  /** In the table with the same content, and therefore not announced. */
  readonly known: number;
  /** Passed over as no photos: other suffixes, other contents, hidden files. */
  readonly skipped: number;
  /** The same by what they are, as `.heic`, `without suffix` or `hidden`; at most SKIP_KINDS_MAX kinds. */
  readonly skippedByKind: Readonly<Record<string, number>>;
  /** Photos, and folders that may hold some, that could not be taken; each was named with its reason. */
  readonly failed: number;
  /** The key up to which, in the source's order, every photo of a listing is announced, or known already. */
  readonly lastKey: string | undefined;
}

export const NO_PROGRESS: IngestProgress = {
  announced: 0,
  uploaded: 0,
  existing: 0,
  known: 0,
  skipped: 0,
  skippedByKind: {},
  failed: 0,
  lastKey: undefined,
};

/** Told after each step; cheap enough to be called for every photo. */
export type OnProgress = (progress: IngestProgress) => void;

/** A folder or a bucket may hold files of any suffix; what comes after so many is counted as "others". */
const SKIP_KINDS_MAX = 24;

/** Counts, and tells of every change. */
export class ProgressCount {
  readonly #onProgress: OnProgress;
  #progress = NO_PROGRESS;

  constructor(onProgress: OnProgress) {
    this.#onProgress = onProgress;
  }

  get progress(): IngestProgress {
    return this.#progress;
  }

  add(kind: "announced" | "uploaded" | "existing" | "known", lastKey = this.#progress.lastKey): void {
    this.#change({ [kind]: this.#progress[kind] + 1, lastKey });
  }

  /** @param kind as `kindOfFile` says it, or another reason. */
  skip(kind: string): void {
    const { skipped, skippedByKind: kinds } = this.#progress;
    const isOther = !(kind in kinds) && Object.keys(kinds).length >= SKIP_KINDS_MAX;
    const counted = isOther ? "others" : kind;
    this.#change({ skipped: skipped + 1, skippedByKind: { ...kinds, [counted]: (kinds[counted] ?? 0) + 1 } });
  }

  /** What counts each fault before it is told. */
  counting(onFault: OnFault): OnFault {
    return (fault) => {
      this.#change({ failed: this.#progress.failed + 1 });
      onFault(fault);
    };
  }

  #change(change: Partial<IngestProgress>): void {
    this.#progress = { ...this.#progress, ...change };
    this.#onProgress(this.#progress);
  }
}

/** What a file is by its name: its suffix in lower case, as `.heic`, or that it has none. */
export function kindOfFile(path: string): string {
  const suffix = suffixOf(path);
  return suffix === undefined ? "without suffix" : `.${suffix}`;
}
