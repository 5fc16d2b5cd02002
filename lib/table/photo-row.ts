import type { Prediction } from "#lib/messages/messages.ts";

/** A row of the table: one photo of one run through one model. Times are milliseconds since the Unix epoch, UTC. */
export interface PhotoRow {
  /** Partition columns: the model's name and content hash, and the run's name. */
  readonly model: string;
  readonly run: string;
  /** `s3://bucket/key` of the photo. */
  readonly path: string;
  readonly label: string | null;
  /** The model's dimension. */
  readonly features: Float32Array;
  /** The basis' number of components; null before there is a first basis. */
  readonly pcaFeatures: Float32Array | null;
  /** The version of the basis that projected this row; null before there is a first one. */
  readonly pcaVersion: number | null;
  /** Best first; null where the model has no classes. */
  readonly predictions: readonly Prediction[] | null;
  readonly photoEtag: string;
  readonly widthPx: number;
  readonly heightPx: number;
  /** Event time. */
  readonly capturedAtMs: number;
  /** Who says so, as in `PhotoFeatures`; null where nobody noted it. */
  readonly capturedAtSource: string | null;
  readonly ingestedAtMs: number;
  readonly featurizedAtMs: number;
  readonly sourcePartition: number;
  readonly sourceOffset: number;
}
