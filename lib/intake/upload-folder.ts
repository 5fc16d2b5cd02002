import { stat } from "node:fs/promises";
import pLimit from "p-limit";
import { eventTime } from "#lib/photo/event-time.ts";
import { sniffPhotoFormat } from "#lib/photo/header/photo-format.ts";
import type { PhotoNames } from "#lib/photo/photo-suffixes.ts";
import type { RetryHooks } from "#lib/runtime/retry.ts";
import { readObjectFile } from "#lib/store/folder/object-file.ts";
import { formatS3Uri, type ObjectLocation, type ObjectStore, type ObjectSummary } from "#lib/store/object-store.ts";
import type { PhotoAnnouncer } from "./announce-photo.ts";
import type { IsKnownPhoto } from "./backfill.ts";
import { findPhotoFiles, type PhotoSearch } from "./find-photo-files.ts";
import { forEachBounded } from "./for-each-bounded.ts";
import { type IngestProgress, type OnProgress, ProgressCount } from "./ingest-progress.ts";
import { ObjectAttempts } from "./object-attempts.ts";
import { type OnFault, photoFaultOf } from "./photo-fault.ts";
import { PresentObjects } from "./present-objects.ts";
import { readSteady } from "./read-steady.ts";
import type { FolderFile } from "./walk-folder.ts";

export interface UploadOptions {
  readonly folder: string;
  readonly bucket: string;
  /** Stands before each file's relative path, as `photos/`; see `FolderFile`. */
  readonly prefix: string;
  /** Tells photos by their path below the folder; what has no suffix is told by its first bytes. */
  readonly names: PhotoNames;
  readonly unlabelled: RegExp;
  /** Whether the table has a photo that is on S3 already with the same content, so that it need not be announced. */
  readonly isKnown: IsKnownPhoto;
  /** Told of a photo that can't be read or stored, or a folder that can't be listed; the rest goes on. */
  readonly onFault: OnFault;
}

/** Files on their way to S3 at the same time, each of them whole in memory: 512 MiB at the very most. */
const FILES_PENDING_MAX = 8;
/** Photos stored and not yet acknowledged by Kafka, without their bytes: one append's worth beside the one under way. */
const ANNOUNCEMENTS_PENDING_MAX = 1000;
/** Larger files are faults; the featurizer would refuse them. */
const FILE_BYTES_MAX = 64 * 1_048_576;

/**
 * Uploads a folder's photos and announces each one. Event time is the file's modification time,
 * unless the photo turns out to tell a better one.
 *
 * A photo that is on S3 with the same content is not uploaded again, and announced only if it is not known: it may be
 * under way, or a run has died between writing it and announcing it. Running twice doubles no row: what the table gets
 * twice its reducer drops. "The same content" means that the object's etag is the file's MD5; where etags are
 * something else (SSE-KMS, multipart uploads) every photo counts as new.
 *
 * A key is the prefix and the file's relative path as the file system has it, in its own normal form of Unicode. What is
 * wrong with one photo is told and counted, and ends nothing: a file that can't be read, or that S3 can't store, however
 * it says so (`ObjectAttempts`).
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
  const untilDone: RetryHooks = { ...hooks, signal: new AbortController().signal };
  const { folder, bucket, prefix, names, unlabelled } = options;
  // An answer that nothing is there is an answer.
  const probe = () => store.head({ bucket, key: prefix || "photos/" });
  const attempts = {
    reads: new ObjectAttempts(() => stat(folder), untilDone),
    writes: new ObjectAttempts(probe, untilDone),
  };
  const onFault = count.counting(options.onFault);
  const search = { folder, names, unlabelled, onSkipped: (kind: string) => count.skip(kind), onFault };
  const photos = findPhotos(new PresentObjects(store, bucket, prefix, hooks), search, options);
  await forEachBounded(photos, ANNOUNCEMENTS_PENDING_MAX, hooks.signal, async (photo) => {
    try {
      const stored = await storing(() => {
        ended.throwIfAborted();
        return storePhoto(store, photo, attempts, onFault);
      });
      if (stored === undefined) return;
      count.add(stored.isNew ? "uploaded" : "existing");
      const { location, file } = photo;
      const { etag, sizeBytes } = stored;
      if (!stored.isNew && options.isKnown(location, etag)) return count.add("known");
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
  objects: PresentObjects,
  search: PhotoSearch,
  { bucket, prefix }: UploadOptions,
): AsyncGenerator<FoundPhoto> {
  for await (const file of findPhotoFiles(search)) {
    const key = `${prefix}${file.relativePath}`;
    yield { file, location: { bucket, key }, present: await objects.find(key) };
  }
}

/**
 * A photo that was begun is seen through, whoever interrupts, or it would rest on S3 and never be announced. Undefined
 * where the photo itself is at fault.
 */
async function storePhoto(
  store: ObjectStore,
  { file: { path }, location, present }: FoundPhoto,
  { reads, writes }: { readonly reads: ObjectAttempts; readonly writes: ObjectAttempts },
  onFault: OnFault,
): Promise<{ etag: string; sizeBytes: number; isNew: boolean } | undefined> {
  try {
    const read = () => reads.run(path, () => readObjectFile(path, { bytesMax: FILE_BYTES_MAX }));
    const { bytes, etag: md5 } = await readSteady(path, read);
    const sizeBytes = bytes.byteLength;
    if (present?.sizeBytes === sizeBytes && present.etag === md5) return { etag: md5, sizeBytes, isNew: false };
    const format = sniffPhotoFormat(bytes);
    const options = format ? { contentType: `image/${format}` } : {};
    const { etag } = await writes.run(formatS3Uri(location), () => store.put(location, bytes, options));
    return { etag, sizeBytes, isNew: true };
  } catch (error) {
    const fault = photoFaultOf(error, path);
    if (fault === undefined) throw error;
    onFault(fault);
    return undefined;
  }
}

/** The label is not looked for in the prefix, which says where the photos are kept. */
function describe({ label, modifiedAtMs }: FolderFile, { clock }: RetryHooks) {
  return {
    label,
    ...eventTime("object", modifiedAtMs, clock.nowMs()),
    traceparent: null,
  };
}
