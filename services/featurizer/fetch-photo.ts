import type { PhotoArrived } from "#lib/messages/messages.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";

/**
 * Reads the photo that was announced, and no other: one that was replaced since has another etag and its own message.
 *
 * A folder that stands for a bucket and does not exist counts as not-found: one message that names it must not stop
 * everybody, and when all do, the dead-letter limit stops. A missing bucket of S3 is waited for (`waitedForStore`).
 *
 * @throws not-found, etag-changed, too-large (before anything is read), or what the store throws.
 */
export async function fetchPhoto(
  store: ObjectStore,
  photo: PhotoArrived,
  bytesMax: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  if (photo.sizeBytes > bytesMax) {
    const message = `the photo has ${photo.sizeBytes} bytes; FEATURIZER_PHOTO_BYTES_MAX allows ${bytesMax}`;
    throw new FruitstreamError("too-large", message);
  }
  try {
    // The announced size has been taken from the budget; an object of this etag has no other.
    const { bytes } = await store.get(photo, { bytesMax: photo.sizeBytes, ifMatch: photo.etag, signal });
    return bytes;
  } catch (cause) {
    const isMissingBucket = cause instanceof FruitstreamError && cause.code === "invalid-config";
    throw isMissingBucket ? new FruitstreamError("not-found", cause.message, { cause }) : cause;
  }
}
