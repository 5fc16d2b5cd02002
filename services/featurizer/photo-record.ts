import type { LogRecord } from "#lib/log/record-log.ts";
import { photoArrivedCodec } from "#lib/messages/avro/avro-codec.ts";
import type { PhotoArrived } from "#lib/messages/messages.ts";
import { FruitstreamError, fateOf } from "#lib/runtime/errors.ts";

/** What S3 can hold: values outside would fail in a client or a header, for every featurizer that meets them. */
const BUCKET = /^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$/;
const ETAG = /^[\x21\x23-\x7e]{1,1024}$/;
const KEY_BYTES_MAX = 1_024;

/** The announced photo, or the error that makes the record a dead letter. */
export function readPhotoRecord(record: LogRecord): PhotoArrived | Error {
  try {
    const photo = photoArrivedCodec.decode(record.value);
    requireUsable(photo);
    return photo;
  } catch (error) {
    if (fateOf(error) === "dead-letter") return error as Error;
    throw error;
  }
}

function requireUsable({ bucket, key, etag, sizeBytes }: PhotoArrived): void {
  if (!BUCKET.test(bucket)) throw poison("bucket", bucket);
  if (key === "" || Buffer.byteLength(key) > KEY_BYTES_MAX) throw poison("key", key);
  if (!ETAG.test(etag)) throw poison("etag", etag);
  if (sizeBytes < 0) throw poison("size", sizeBytes);
}

function poison(field: string, value: string | number): FruitstreamError {
  const message = `the message's ${field} can't be one of S3: ${JSON.stringify(value).slice(0, 200)}`;
  return new FruitstreamError("poison-message", message);
}
