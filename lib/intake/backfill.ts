import { eventTime } from "#lib/photo/event-time.ts";
import { sniffPhotoFormat } from "#lib/photo/header/photo-format.ts";
import { labelOfKey, problemOfName } from "#lib/photo/photo-label.ts";
import type { PhotoNames } from "#lib/photo/photo-suffixes.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { RetryHooks } from "#lib/runtime/retry.ts";
import { formatS3Uri, type ObjectLocation, type ObjectStore, type ObjectSummary } from "#lib/store/object-store.ts";
import { type PhotoAnnouncer, RETRY_POLICY } from "./announce-photo.ts";
import { LOOK_BYTES } from "./find-photo-files.ts";
import { forEachBounded } from "./for-each-bounded.ts";
import { type IngestProgress, kindOfFile, type OnProgress, ProgressCount } from "./ingest-progress.ts";
import { type Listing, listObjects } from "./list-photos.ts";
import { mapInOrder } from "./map-in-order.ts";
import { ObjectAttempts } from "./object-attempts.ts";
import { type OnFault, PhotoFault, photoFaultOf } from "./photo-fault.ts";

/** By place and etag. */
export type IsKnownPhoto = (location: ObjectLocation, etag: string) => boolean;

export interface BackfillOptions extends Listing {
  /** Tells photos by their key; those of no suffix or another are told by their first bytes and their content type. */
  readonly names: PhotoNames;
  /** Whether to look at objects whose keys don't tell: a small GET for each of them. */
  readonly looks: boolean;
  readonly unlabelled: RegExp;
  /** Whether the table has a photo with this content, so that it need not be announced. */
  readonly isKnown: IsKnownPhoto;
  /** Told of a photo that can't be announced; the rest goes on. */
  readonly onFault: OnFault;
}

/** Announcements not yet acknowledged: a few appends' worth, so that the listing never waits for an append. */
const PENDING_MAX = 4000;
/** Objects looked at ahead of the one that is announced next: enough to hide a round trip to S3 for each. */
const LOOKS_MAX = 32;

/**
 * Announces every photo that rests under a prefix. Event time is when the object was last written, unless the photo
 * turns out to tell a better one. Announces at least once: a photo that was announced before and is not in the table yet
 * is announced again, and the reducer drops it.
 *
 * Photos are told by their suffix. What has none is a photo when it begins as one, and what has another suffix when it
 * begins as one and was stored as an image (content type), as the HTTP service and `uploadFolder` do under any name.
 *
 * Constant memory. Photos are acknowledged in the order of their keys, so after a failure or an abort the progress's
 * `lastKey` as `startAfter` goes on without a gap.
 *
 * @throws what the listing throws, or the signal's reason.
 */
export async function backfill(
  store: ObjectStore,
  announcer: PhotoAnnouncer,
  options: BackfillOptions,
  hooks: RetryHooks,
  onProgress: OnProgress,
): Promise<IngestProgress> {
  const count = new ProgressCount(onProgress);
  const onFault = count.counting(options.onFault);
  const { bucket, unlabelled } = options;
  const look = new ObjectLook(store, options, hooks);
  const objects = listObjects(store, options, RETRY_POLICY, hooks);
  const looked = mapInOrder(objects, LOOKS_MAX, async (object) => {
    const isKnown = options.isKnown({ bucket, key: object.key }, object.etag);
    return { object, found: isKnown ? "known" : await look.at(object) };
  });
  await forEachBounded(looked, PENDING_MAX, hooks.signal, async ({ object, found }) => {
    const { key, etag, sizeBytes, modifiedAtMs } = object;
    if (found === "no photo") return count.skip(key.endsWith("/") ? "folder marks" : kindOfFile(key));
    // Not the last key: announcements of keys before it may still be under way.
    if (found === "known") return count.add("known");
    const label = labelOfKey(key, unlabelled);
    const problem = problemOfName(key, label);
    const fault =
      found instanceof PhotoFault ? found : problem && new PhotoFault(formatS3Uri({ bucket, key }), problem);
    if (fault) return onFault(fault);
    const time = eventTime("object", modifiedAtMs, hooks.clock.nowMs());
    await announcer.announce({ bucket, key, etag, sizeBytes, label, ...time, traceparent: null });
    count.add("announced", key);
  });
  return count.progress;
}

/** Tells whether a listed object is a photo. */
class ObjectLook {
  readonly #store: ObjectStore;
  readonly #options: BackfillOptions;
  readonly #attempts: ObjectAttempts;

  constructor(store: ObjectStore, options: BackfillOptions, hooks: RetryHooks) {
    this.#store = store;
    this.#options = options;
    this.#attempts = new ObjectAttempts(() => store.head({ bucket: options.bucket, key: "photos/" }), hooks);
  }

  /** @throws what is not this object's fault. */
  async at({ key, sizeBytes }: ObjectSummary): Promise<"photo" | "no photo" | PhotoFault> {
    const { bucket, names, looks } = this.#options;
    const verdict = names(key);
    if (verdict === "photo") return "photo";
    if (!looks || sizeBytes === 0) return "no photo";
    const location = { bucket, key };
    try {
      const start = () => this.#store.getStart(location, LOOK_BYTES);
      const { bytes, contentType } = await this.#attempts.run(formatS3Uri(location), start);
      const isImage = verdict === "no suffix" || contentType?.startsWith("image/");
      return isImage && sniffPhotoFormat(bytes) !== undefined ? "photo" : "no photo";
    } catch (error) {
      // Who lets the bucket be listed and refuses an object refuses that object, or all reading: neither ends the rest.
      const isRefused = error instanceof FruitstreamError && error.code === "access-denied";
      const subject = formatS3Uri(location);
      const fault = isRefused ? new PhotoFault(subject, error.message, { cause: error }) : photoFaultOf(error, subject);
      if (fault === undefined) throw error;
      return fault;
    }
  }
}
