import type { DeadLetterReason } from "#lib/runtime/errors.ts";

/** One record's place on a topic of photos: with the run's name, a photo's identity from topic to table. */
export interface SourcePosition {
  readonly run: string;
  readonly sourceTopic: string;
  readonly sourcePartition: number;
  readonly sourceOffset: number;
}

/**
 * Who says when a photo was captured.
 *
 * - `client`: whoever sent the photo.
 * - `exif`, `exif-gps`, `exif-local`: the photo itself; see `CaptureTime`.
 * - `object`: nobody. The time is that of the file or the object, or of the arrival where those can't be true.
 */
export type CapturedAtSource = "client" | "exif" | "exif-gps" | "exif-local" | "object";

/** `schemas/photo-arrived.v2.avsc`: a photo rests on S3. Times are milliseconds since the Unix epoch, UTC. */
export interface PhotoArrived {
  readonly bucket: string;
  readonly key: string;
  readonly etag: string;
  readonly sizeBytes: number;
  readonly label: string | null;
  readonly capturedAtMs: number;
  /** A `CapturedAtSource`, or one that a later version adds; null in messages of version 1, which don't tell. */
  readonly capturedAtSource: string | null;
  readonly ingestedAtMs: number;
  readonly traceparent: string | null;
}

/** `schemas/photo-features.v2.avsc`: a photo's vector. `features` has the model's dimension, in float32. */
export interface PhotoFeatures extends SourcePosition {
  /** The model's name and content hash. */
  readonly model: string;
  readonly bucket: string;
  readonly key: string;
  readonly etag: string;
  readonly label: string | null;
  readonly widthPx: number;
  readonly heightPx: number;
  readonly capturedAtMs: number;
  /** As in `PhotoArrived`. */
  readonly capturedAtSource: string | null;
  readonly ingestedAtMs: number;
  readonly featurizedAtMs: number;
  readonly features: Float32Array;
  /** Best first; null where the model has no classes. */
  readonly predictions: readonly Prediction[] | null;
  readonly traceparent: string | null;
}

export interface Prediction {
  readonly label: string;
  readonly score: number;
}

/** `schemas/dead-letter.v1.avsc`: a record that can never succeed. Delivered at least once; unique by its position. */
export interface DeadLetter extends SourcePosition {
  readonly reason: DeadLetterReason;
  readonly detail: string;
  readonly uri: string | null;
  readonly failedAtMs: number;
  readonly originalKey: Uint8Array | null;
  readonly originalValue: Uint8Array | null;
  readonly traceparent: string | null;
}

/** `schemas/dead-letter-mark.v1.avsc`: a person has settled a dead letter, which lies on the same topic before it. */
export interface DeadLetterMark {
  /** Where the letter lies on the topic of dead letters. */
  readonly letterPartition: number;
  readonly letterOffset: number;
  readonly outcome: DeadLetterOutcome;
  /** Where the original record was put back on its topic; null when it was not, or when nobody knows. */
  readonly newPartition: number | null;
  readonly newOffset: number | null;
  readonly markedAtMs: number;
}

export type DeadLetterOutcome = "retried" | "dropped";

/** The run of photos that arrive, as opposed to a named replay. */
export const LIVE_RUN = "live";
