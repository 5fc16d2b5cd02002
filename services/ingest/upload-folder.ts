import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { sniffPhotoFormat } from "../../lib/contract/photo-format.ts";
import { type RetryHooks, retrying } from "../../lib/runtime/retry.ts";
import type { ObjectLocation, ObjectStore } from "../../lib/store/object-store.ts";
import type { PhotoAnnouncer } from "./announce-photo.ts";
import { eventTimeMs } from "./event-time.ts";
import { forEachBounded } from "./for-each-bounded.ts";
import { type IngestProgress, type OnProgress, ProgressCount } from "./ingest-progress.ts";
import { labelOfKey } from "./photo-label.ts";
import { RETRY_POLICY } from "./retry-policy.ts";
import { type FolderFile, walkFolder } from "./walk-folder.ts";

export interface UploadOptions {
  readonly folder: string;
  readonly bucket: string;
  /** Stands before each file's path below the folder, as `photos/`. */
  readonly prefix: string;
  /** Tells photos by their path. */
  readonly isPhoto: (path: string) => boolean;
  readonly unlabelled: RegExp;
  /** Whether to announce photos that are on S3 already with the same content. */
  readonly announceExisting: boolean;
}

/** Files under way at the same time, each of them whole in memory: 512 MiB at the very most. */
const FILES_PENDING_MAX = 8;
/** Larger files are skipped; the featurizer would refuse them. */
const FILE_BYTES_MAX = 64 * 1_048_576;

/**
 * Uploads a folder's photos and announces each one. Event time is the file's modification time.
 *
 * A photo that is on S3 with the same content is neither uploaded nor announced again, so running twice doubles no row.
 * A run that died between writing a photo and announcing it leaves one that only `announceExisting` announces: nothing
 * on S3 tells the two cases apart. "The same content" means that the object's etag is the file's MD5; where etags are
 * something else (SSE-KMS, multipart uploads) every photo counts as new.
 *
 * @throws usage when the folder is none, access-denied, or, once the photos under way are announced, the signal's reason.
 */
export async function uploadFolder(
  store: ObjectStore,
  announcer: PhotoAnnouncer,
  options: UploadOptions,
  hooks: RetryHooks,
  onProgress: OnProgress,
): Promise<IngestProgress> {
  const count = new ProgressCount(onProgress);
  // The signal ends the walk; a photo that was begun is seen through, or it would rest on S3 and never be announced.
  const untilDone: RetryHooks = { ...hooks, signal: new AbortController().signal };
  const files = walkFolder(options.folder, () => count.add("skipped"));
  await forEachBounded(files, FILES_PENDING_MAX, hooks.signal, async (file) => {
    if (!options.isPhoto(file.relativePath) || file.sizeBytes > FILE_BYTES_MAX) return count.add("skipped");
    const location = { bucket: options.bucket, key: `${options.prefix}${file.relativePath}` };
    const body = await readFile(file.path);
    let isNew = false;
    const etag = await retrying(RETRY_POLICY, untilDone, async () => {
      const present = await store.head(location);
      if (present?.sizeBytes === body.byteLength && present.etag === md5(body)) return present.etag;
      // Stays true when the answer to the put is lost and the next attempt finds the photo there.
      isNew = true;
      return await putPhoto(store, location, body);
    });
    count.add(isNew ? "uploaded" : "existing");
    if (!isNew && !options.announceExisting) return;
    await announcer.announce({ ...location, etag, sizeBytes: body.byteLength, ...describe(file, options, hooks) });
    count.add("announced");
  });
  return count.progress;
}

async function putPhoto(store: ObjectStore, location: ObjectLocation, body: Uint8Array): Promise<string> {
  const format = sniffPhotoFormat(body);
  const { etag } = await store.put(location, body, format ? { contentType: `image/${format}` } : {});
  return etag;
}

/** The label is looked for below the prefix only: the prefix says where the photos are kept. */
function describe({ relativePath, modifiedAtMs }: FolderFile, { unlabelled }: UploadOptions, { clock }: RetryHooks) {
  return {
    label: labelOfKey(relativePath, unlabelled),
    capturedAtMs: eventTimeMs(modifiedAtMs, clock.nowMs()),
    traceparent: null,
  };
}

function md5(bytes: Uint8Array): string {
  return createHash("md5").update(bytes).digest("hex");
}
