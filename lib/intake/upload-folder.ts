import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import pLimit from "p-limit";
import { eventTime } from "#lib/photo/event-time.ts";
import { sniffPhotoFormat } from "#lib/photo/header/photo-format.ts";
import { type RetryHooks, retrying } from "#lib/runtime/retry.ts";
import type { ObjectLocation, ObjectStore, ObjectSummary } from "#lib/store/object-store.ts";
import { type PhotoAnnouncer, RETRY_POLICY } from "./announce-photo.ts";
import { forEachBounded } from "./for-each-bounded.ts";
import { type IngestProgress, kindOfFile, type OnProgress, ProgressCount } from "./ingest-progress.ts";
import { PresentObjects } from "./present-objects.ts";
import { type FolderFile, unreadableFolder, type WalkOptions, walkFolder } from "./walk-folder.ts";

export interface UploadOptions {
  readonly folder: string;
  readonly bucket: string;
  /** Stands before each file's relative path, as `photos/`; see `FolderFile`. */
  readonly prefix: string;
  /** Tells photos by their path. */
  readonly isPhoto: (path: string) => boolean;
  readonly unlabelled: RegExp;
  /** Whether to announce photos that are on S3 already with the same content. */
  readonly announceExisting: boolean;
  /** Told of a folder that can't be listed, which is passed over. */
  readonly onUnreadable?: (error: Error) => void;
}

/** Files on their way to S3 at the same time, each of them whole in memory: 512 MiB at the very most. */
const FILES_PENDING_MAX = 8;
/** Photos stored and not yet acknowledged by Kafka, without their bytes: one append's worth beside the one under way. */
const ANNOUNCEMENTS_PENDING_MAX = 1000;
/** Larger files are skipped; the featurizer would refuse them. */
const FILE_BYTES_MAX = 64 * 1_048_576;

/**
 * Uploads a folder's photos and announces each one. Event time is the file's modification time,
 * unless the photo turns out to tell a better one.
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
  const storing = pLimit(FILES_PENDING_MAX);
  const failure = new AbortController();
  const ended = AbortSignal.any([hooks.signal, failure.signal]);
  const photos = findPhotos(store, options, hooks, (kind) => count.skip(kind));
  await forEachBounded(photos, ANNOUNCEMENTS_PENDING_MAX, hooks.signal, async (photo) => {
    try {
      const stored = await storing(() => {
        ended.throwIfAborted();
        return storePhoto(store, photo, hooks);
      });
      count.add(stored.isNew ? "uploaded" : "existing");
      if (!stored.isNew && !options.announceExisting) return;
      const { location, file } = photo;
      const { etag, sizeBytes } = stored;
      await announcer.announce({ ...location, etag, sizeBytes, ...describe(file, hooks) });
      count.add("announced");
    } catch (error) {
      failure.abort(error);
      throw error;
    }
  });
  return count.progress;
}

interface FoundPhoto {
  readonly file: FolderFile;
  readonly location: ObjectLocation;
  /** What is on S3 under its key. */
  readonly present: ObjectSummary | undefined;
}

async function* findPhotos(
  store: ObjectStore,
  { folder, bucket, prefix, isPhoto, unlabelled, onUnreadable }: UploadOptions,
  hooks: RetryHooks,
  onSkipped: (kind: string) => void,
): AsyncGenerator<FoundPhoto> {
  const objects = new PresentObjects(store, bucket, prefix, hooks);
  const onWalkSkipped: WalkOptions["onSkipped"] = (why, path) => {
    onSkipped(why);
    if (why === "unreadable folders") onUnreadable?.(unreadableFolder(path));
  };
  for await (const file of walkFolder(folder, { unlabelled, onSkipped: onWalkSkipped })) {
    const key = `${prefix}${file.relativePath}`;
    if (!isPhoto(file.relativePath)) onSkipped(kindOfFile(file.relativePath));
    else if (file.sizeBytes > FILE_BYTES_MAX) onSkipped(`larger than ${FILE_BYTES_MAX / 1_048_576} MiB`);
    else yield { file, location: { bucket, key }, present: await objects.find(key) };
  }
}

/** A photo that was begun is seen through, whoever interrupts, or it would rest on S3 and never be announced. */
async function storePhoto(
  store: ObjectStore,
  { file, location, present }: FoundPhoto,
  hooks: RetryHooks,
): Promise<{ etag: string; sizeBytes: number; isNew: boolean }> {
  const body = await readFile(file.path);
  const sizeBytes = body.byteLength;
  if (present?.sizeBytes === sizeBytes && present.etag === md5(body)) {
    return { etag: present.etag, sizeBytes, isNew: false };
  }
  const format = sniffPhotoFormat(body);
  const untilDone: RetryHooks = { ...hooks, signal: new AbortController().signal };
  const { etag } = await retrying(RETRY_POLICY, untilDone, () =>
    store.put(location, body, format ? { contentType: `image/${format}` } : {}),
  );
  return { etag, sizeBytes, isNew: true };
}

/** The label is not looked for in the prefix, which says where the photos are kept. */
function describe({ label, modifiedAtMs }: FolderFile, { clock }: RetryHooks) {
  return {
    label,
    ...eventTime("object", modifiedAtMs, clock.nowMs()),
    traceparent: null,
  };
}

function md5(bytes: Uint8Array): string {
  return createHash("md5").update(bytes).digest("hex");
}
