/** How far a backfill or an upload has come. Counts are of photos, but for `skipped`, which is of other files. */
export interface IngestProgress {
  /** Acknowledged by Kafka. */
  readonly announced: number;
  /** Written to S3 by this upload. */
  readonly uploaded: number;
  /** Found on S3 with the same content. */
  readonly existing: number;
  /** Passed over: other suffixes, hidden or too large files. */
  readonly skipped: number;
  /** The key up to which, in the source's order, every photo of a listing is announced. */
  readonly lastKey: string | undefined;
}

export const NO_PROGRESS: IngestProgress = { announced: 0, uploaded: 0, existing: 0, skipped: 0, lastKey: undefined };

/** Told after each step; cheap enough to be called for every photo. */
export type OnProgress = (progress: IngestProgress) => void;

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

  add(kind: "announced" | "uploaded" | "existing" | "skipped", lastKey = this.#progress.lastKey): void {
    this.#progress = { ...this.#progress, [kind]: this.#progress[kind] + 1, lastKey };
    this.#onProgress(this.#progress);
  }
}
