import { eventTime } from "#lib/photo/event-time.ts";
import { labelOfKey } from "#lib/photo/photo-label.ts";
import type { RetryHooks } from "#lib/runtime/retry.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import { type PhotoAnnouncer, RETRY_POLICY } from "./announce-photo.ts";
import { forEachBounded } from "./for-each-bounded.ts";
import { type IngestProgress, kindOfFile, type OnProgress, ProgressCount } from "./ingest-progress.ts";
import { type Listing, listObjects } from "./list-photos.ts";

export interface BackfillOptions extends Listing {
  /** Tells photos by their key. */
  readonly isPhoto: (key: string) => boolean;
  readonly unlabelled: RegExp;
}

/** Announcements not yet acknowledged: a few appends' worth, so that the listing never waits for an append. */
const PENDING_MAX = 4000;

/**
 * Announces every photo that rests under a prefix. Event time is when the object was last written, unless the photo
 * turns out to tell a better one. Announces at least once: a photo that was announced before is announced again, as another arrival.
 *
 * Constant memory. Photos are acknowledged in the order of their keys, so after a failure or an abort the progress's
 * `lastKey` as `startAfter` goes on without a gap.
 *
 * @throws what the listing throws, or the signal's reason.
 */
export async function backfill(
  store: ObjectStore,
  announcer: PhotoAnnouncer,
  { isPhoto, unlabelled, ...listing }: BackfillOptions,
  hooks: RetryHooks,
  onProgress: OnProgress,
): Promise<IngestProgress> {
  const count = new ProgressCount(onProgress);
  const { bucket } = listing;
  const objects = listObjects(store, listing, RETRY_POLICY, hooks);
  await forEachBounded(objects, PENDING_MAX, hooks.signal, async ({ key, etag, sizeBytes, modifiedAtMs }) => {
    if (!isPhoto(key)) return count.skip(kindOfFile(key));
    const time = eventTime("object", modifiedAtMs, hooks.clock.nowMs());
    const label = labelOfKey(key, unlabelled);
    await announcer.announce({ bucket, key, etag, sizeBytes, label, ...time, traceparent: null });
    count.add("announced", key);
  });
  return count.progress;
}
