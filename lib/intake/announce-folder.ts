import pLimit from "p-limit";
import { eventTime } from "#lib/photo/event-time.ts";
import { fateOf } from "#lib/runtime/errors.ts";
import { type RetryHooks, retrying } from "#lib/runtime/retry.ts";
import { etagOfFile } from "#lib/store/folder/object-file.ts";
import { type PhotoAnnouncer, RETRY_POLICY } from "./announce-photo.ts";
import { forEachBounded } from "./for-each-bounded.ts";
import { type IngestProgress, kindOfFile, type OnProgress, ProgressCount } from "./ingest-progress.ts";
import { type FolderFile, unreadableFolder, type WalkOptions, walkFolder } from "./walk-folder.ts";

export interface AnnounceFolderOptions {
  readonly folder: string;
  /** Stands for this machine in the announcements. */
  readonly bucket: string;
  /** The key under which the featurizer finds the file at an absolute path. */
  readonly keyOf: (path: string) => string;
  /** Tells photos by their path below the folder. */
  readonly isPhoto: (path: string) => boolean;
  readonly unlabelled: RegExp;
  /** Whether the photo was announced before with this content. */
  readonly isAnnounced: (key: string, etag: string) => boolean;
  /** Told of a photo or a folder that can't be read at all, which is passed over. */
  readonly onUnreadable: (error: Error) => void;
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
  const photos = findPhotos(options, (kind) => count.skip(kind));
  await forEachBounded(photos, ANNOUNCEMENTS_PENDING_MAX, hooks.signal, async (file) => {
    const etag = await reading(() => readEtag(file, options, hooks));
    if (etag === undefined) return count.skip("unreadable");
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

async function* findPhotos(
  { folder, isPhoto, unlabelled, onUnreadable }: AnnounceFolderOptions,
  onSkipped: (kind: string) => void,
) {
  const onWalkSkipped: WalkOptions["onSkipped"] = (why, path) => {
    onSkipped(why);
    if (why === "unreadable folders") onUnreadable(unreadableFolder(path));
  };
  for await (const file of walkFolder(folder, { unlabelled, onSkipped: onWalkSkipped })) {
    if (isPhoto(file.relativePath)) yield file;
    else onSkipped(kindOfFile(file.relativePath));
  }
}

/** Undefined for a file that nobody may read, or that is gone by now. */
async function readEtag(file: FolderFile, { onUnreadable }: AnnounceFolderOptions, hooks: RetryHooks) {
  try {
    return await retrying(RETRY_POLICY, hooks, () => etagOfFile(file.path));
  } catch (error) {
    if (fateOf(error) !== "dead-letter") throw error;
    onUnreadable(error as Error);
    return undefined;
  }
}
