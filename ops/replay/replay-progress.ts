/** How far a replay has come. */
interface ReplayProgress {
  /** Photos published or dead-lettered; of a replay of vectors, rows committed. */
  readonly done: number;
  readonly total: number;
}

/** Told every now and then; cheap enough to be told often. */
export type OnReplayProgress = (progress: ReplayProgress) => void;
