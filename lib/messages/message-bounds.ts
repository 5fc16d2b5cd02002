import { z } from "zod";
import { problemOfName } from "#lib/photo/photo-label.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { PhotoArrived, PhotoFeatures } from "./messages.ts";

/** A run's name: it is a part of folder names, of consumer groups and of every row. */
export const runName = z
  .string()
  .regex(/^[A-Za-z0-9._-]{1,64}$/, "must be 1 to 64 letters, digits, dots, dashes or underscores");

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html, and capitals and underscores, of old. */
const BUCKET = /^[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]$/;
/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html */
const KEY_BYTES_MAX = 1_024;
const ETAG = /^[\x21\x23-\x7e]{1,1024}$/;
const LABEL_BYTES_MAX = 512;
/** https://www.w3.org/TR/trace-context/#traceparent-header has 55 characters; later versions may append to it. */
const TRACEPARENT = /^[\x21-\x7e]{1,128}$/;
/** Those of `CapturedAtSource`, and what later versions may add to them. */
const CAPTURED_AT_SOURCE = /^[a-z][a-z0-9-]{0,31}$/;
/** `model-folder.ts` makes them so. It becomes the name of folders and partitions. */
export const MODEL_ID = /^[A-Za-z0-9._-]{1,64}-[0-9a-f]{12}$/;
/** https://kafka.apache.org: Topic.validate */
const TOPIC = /^[A-Za-z0-9._-]{1,249}$/;
/** `topK` of a model's manifest is at most 100. */
const PREDICTIONS_MAX = 100;
/** More of a value would not help whoever reads the letter. */
const SHOWN_CHARACTERS_MAX = 200;

/**
 * Refuses an announced photo that could not be one: what S3 can't hold would fail in a client or a header, and a vector
 * carries label, key and traceparent on, so that it would not fit a record of its own. Name and label must not hold
 * characters that can't be seen.
 *
 * @throws poison-message naming the field, its rule and the value.
 */
export function requireUsablePhoto(photo: PhotoArrived): void {
  requireObject(photo);
  require(photo.sizeBytes >= 0, "size", "can't be negative", photo.sizeBytes);
  const problem = problemOfName(photo.key, photo.label);
  if (problem !== undefined) throw new FruitstreamError("poison-message", `the photo can't be taken: ${problem}`);
}

/**
 * Refuses a vector that no featurizer of ours has published, by everything but its values, its times and
 * where its photo lies on the source topic, which are the reducer's to know.
 *
 * @throws poison-message naming the field, its rule and the value.
 */
export function requireUsableVector(vector: PhotoFeatures): void {
  requireObject(vector);
  const { run, model, sourceTopic, sourcePartition, sourceOffset, widthPx, heightPx, predictions } = vector;
  require(runName.safeParse(run).success, "run", "must be 1 to 64 letters, digits, dots, dashes or underscores", run);
  require(MODEL_ID.test(
    model,
  ), "model", "must be a name of up to 64 letters, digits, dots, dashes or underscores, a dash and 12 hex digits", model);
  require(TOPIC.test(sourceTopic), "source topic", "can't be one of Kafka", sourceTopic);
  require(sourcePartition >= 0, "source partition", "can't be negative", sourcePartition);
  require(sourceOffset >= 0, "source offset", "can't be negative", sourceOffset);
  require(widthPx > 0 && heightPx > 0, "size in pixels", "must be above 0", `${widthPx} × ${heightPx}`);
  requirePredictions(predictions ?? []);
}

/**
 * The index of the first value that is NaN or infinite, -1 when there is none. A loop, since it looks at every value of
 * every vector: `findIndex` calls a function for each and takes nine times as long.
 */
export function indexOfNonFinite(values: Float32Array): number {
  for (let index = 0; index < values.length; index++) if (!Number.isFinite(values[index]!)) return index;
  return -1;
}

function requireObject(message: PhotoArrived | PhotoFeatures): void {
  const { bucket, key, etag, label, capturedAtSource, traceparent } = message;
  require(BUCKET.test(bucket), "bucket", "can't be one of S3 (3 to 63 letters, digits, dots, dashes)", bucket);
  require(key !== "" && isWithin(key, KEY_BYTES_MAX), "key", "can't be one of S3 (1 to 1024 bytes)", key);
  require(ETAG.test(etag), "etag", "can't be one of S3", etag);
  require(label === null || isWithin(label, LABEL_BYTES_MAX), "label", "may have 512 bytes of UTF-8", label);
  const isSource = capturedAtSource === null || CAPTURED_AT_SOURCE.test(capturedAtSource);
  require(isSource, "source of the captured time", "must be 1 to 32 small letters, digits or dashes", capturedAtSource);
  const isTraceable = traceparent === null || TRACEPARENT.test(traceparent);
  require(isTraceable, "traceparent", "may have 128 characters of ASCII", traceparent);
}

function requirePredictions(predictions: NonNullable<PhotoFeatures["predictions"]>): void {
  const count = predictions.length;
  require(count <= PREDICTIONS_MAX, "number of predictions", `may be ${PREDICTIONS_MAX} at most`, count);
  for (const { label, score } of predictions) {
    require(isWithin(label, LABEL_BYTES_MAX), "prediction's label", "may have 512 bytes of UTF-8", label);
    require(Number.isFinite(score), "prediction's score", "must be finite", String(score));
  }
}

/** Only texts that may be too long are counted byte by byte. */
function isWithin(text: string, bytesMax: number): boolean {
  return text.length <= bytesMax && (text.length * 3 <= bytesMax || Buffer.byteLength(text) <= bytesMax);
}

function require(holds: boolean, field: string, rule: string, value: string | number | null): void {
  if (holds) return;
  const size =
    typeof value === "string" && value.length > SHOWN_CHARACTERS_MAX ? ` (${Buffer.byteLength(value)} bytes)` : "";
  const shown = JSON.stringify(typeof value === "string" ? value.slice(0, SHOWN_CHARACTERS_MAX) : value);
  throw new FruitstreamError("poison-message", `the message's ${field} ${rule}, got ${shown}${size}`);
}
