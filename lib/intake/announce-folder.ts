import { stat } from "node:fs/promises";
import pLimit from "p-limit";
import { eventTime } from "#lib/photo/event-time.ts";
import type { PhotoNames } from "#lib/photo/photo-suffixes.ts";
import type { RetryHooks } from "#lib/runtime/retry.ts";
import { etagOfFile } from "#lib/store/folder/object-file.ts";
import type { PhotoAnnouncer } from "./announce-photo.ts";
import { findPhotoFiles } from "./find-photo-files.ts";
import { forEachBounded } from "./for-each-bounded.ts";
import { type IngestProgress, type OnProgress, ProgressCount } from "./ingest-progress.ts";
import { ObjectAttempts } from "./object-attempts.ts";
import { type OnFault, photoFaultOf } from "./photo-fault.ts";
import { readSteady } from "./read-steady.ts";

export interface AnnounceFolderOptions {
  readonly folder: string;
  /** Stands for this machine in the announcements. */
  readonly bucket: string;
  /** The key under which the featurizer finds the file at an absolute path. */
  readonly keyOf: (path: string) => string;
  /** Tells photos by their path below the folder; what has no suffix is told by its first bytes. */
  readonly names: PhotoNames;
  readonly unlabelled: RegExp;
  /** Whether the photo was announced before with this content. */
  readonly isAnnounced: (key: string, etag: string) => boolean;
  /** Told of a photo or a folder that can't be read, which is passed over. */
  readonly onFault: OnFault;
}

/** Files read for their etag at the same time: enough to hide the disk's latency. */
const FILES_READ_MAX = 8;
/** Photos read and not yet acknowledged by the log: one append's worth beside the one under way. */
const ANNOUNCEMENTS_PENDING_MAX = 1000;

/**
 * Announces a folder's photos where they lie; nothing is copied. A photo whose path and content were announced before
 * is not announced again. Event time is the file's modification time, unless the photo turns out to tell a better one;
 * the label comes from the path below the folder.
 * Constant memory, however large folder and photos are.
 *
 * @throws usage when the folder is none, what announcing throws, or, once what was begun is announced, the signal's
 * reason.
 */
export async function announceFolder(
  announcer: PhotoAnnouncer,
  options: AnnounceFolderOptions,
  hooks: RetryHooks,
  onProgress: OnProgress,
): Promise<IngestProgress> {
  const count = new ProgressCount(onProgress);
  const reading = pLimit(FILES_READ_MAX);
  const attempts = new ObjectAttempts(() => stat(options.folder), hooks);
  const onFault = count.counting(options.onFault);
  const { folder, names, unlabelled } = options;
  const photos = findPhotoFiles({ folder, names, unlabelled, onSkipped: (kind) => count.skip(kind), onFault });
  await forEachBounded(photos, ANNOUNCEMENTS_PENDING_MAX, hooks.signal, async (file) => {
    const etag = await reading(() => readEtag(file.path, attempts, onFault));
    if (etag === undefined) return;
    const key = options.keyOf(file.path);
    if (options.isAnnounced(key, etag)) return count.add("existing");
    await announcer.announce({
      bucket: options.bucket,
      key,
      etag,
      sizeBytes: file.sizeBytes,
      label: file.label,
      ...eventTime("object", file.modifiedAtMs, hooks.clock.nowMs()),
      traceparent: null,
    });
    count.add("announced");
  });
  return count.progress;
}

/** Undefined for a file that nobody may read, that is gone by now, or that somebody is writing. */
async function readEtag(path: string, attempts: ObjectAttempts, onFault: OnFault): Promise<string | undefined> {
  try {
    return await readSteady(path, () => attempts.run(path, () => etagOfFile(path)));
  } catch (error) {
    const fault = photoFaultOf(error, path);
    if (fault === undefined) throw error;
    onFault(fault);
    return undefined;
  }
}
