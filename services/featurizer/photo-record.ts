import type { LogRecord } from "#lib/log/record-log.ts";
import { photoArrivedCodec } from "#lib/messages/avro/avro-codec.ts";
import { requireUsablePhoto } from "#lib/messages/message-bounds.ts";
import type { PhotoArrived } from "#lib/messages/messages.ts";
import { fateOf } from "#lib/runtime/errors.ts";

/** The announced photo, or the error that makes the record a dead letter. */
export function readPhotoRecord(record: LogRecord): PhotoArrived | Error {
  try {
    const photo = photoArrivedCodec.decode(record.value);
    requireUsablePhoto(photo);
    return photo;
  } catch (error) {
    if (fateOf(error) === "dead-letter") return error as Error;
    throw error;
  }
}
