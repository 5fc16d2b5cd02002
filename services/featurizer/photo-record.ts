import type { LogRecord } from "#lib/log/record-log.ts";
import { photoArrivedCodec } from "#lib/messages/avro/avro-codec.ts";
import { requireUsablePhoto } from "#lib/messages/message-bounds.ts";
import type { PhotoArrived } from "#lib/messages/messages.ts";
import { FruitstreamError, fateOf } from "#lib/runtime/errors.ts";

/**
 * The announced photo, its label in normal form C, of one of these buckets, or the error that makes the record a dead
 * letter.
 */
export function readPhotoRecord(record: LogRecord, buckets: ReadonlySet<string>): PhotoArrived | Error {
  try {
    const photo = photoArrivedCodec.decode(record.value);
    requireUsablePhoto(photo);
    if (!buckets.has(photo.bucket)) throw otherBucket(photo.bucket, buckets);
    return { ...photo, label: photo.label?.normalize("NFC") ?? null };
  } catch (error) {
    if (fateOf(error) === "dead-letter") return error as Error;
    throw error;
  }
}

function otherBucket(bucket: string, buckets: ReadonlySet<string>): FruitstreamError {
  const problem = `the photo is announced in bucket "${bucket}"; FEATURIZER_BUCKETS allows ${[...buckets].join(", ")}`;
  return new FruitstreamError("poison-message", problem);
}
