import { readFile } from "node:fs/promises";
import pLimit from "p-limit";
import type { StoredPhoto } from "#lib/intake/announce-photo.ts";
import { findPhotoFiles } from "#lib/intake/find-photo-files.ts";
import type { PhotoArrived } from "#lib/messages/messages.ts";
import { labelOfKey, UNLABELLED_FOLDERS } from "#lib/photo/photo-label.ts";
import { photoNames } from "#lib/photo/photo-suffixes.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import { BUCKET } from "./bench-stack.ts";

/** A photo's file in memory. */
export interface SamplePhoto {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/**
 * The photos of a folder and those below it, in the order of their paths.
 *
 * @throws usage when there is none.
 */
export async function readSample(folder: string): Promise<SamplePhoto[]> {
  const leaveOut = () => undefined;
  const rules = { names: photoNames(), unlabelled: new RegExp(UNLABELLED_FOLDERS) };
  const photos: SamplePhoto[] = [];
  const search = { folder, ...rules, onSkipped: leaveOut, onFault: leaveOut };
  for await (const { path, relativePath } of findPhotoFiles(search)) {
    photos.push({ name: relativePath, bytes: await readFile(path) });
  }
  if (photos.length === 0) throw new FruitstreamError("usage", `--photos must hold photos, got none in "${folder}"`);
  return photos;
}

/** `count` photos: the sample again and again, each time under new names. */
export function* repeatSample(sample: readonly SamplePhoto[], count: number): Generator<SamplePhoto> {
  for (let index = 0; index < count; index++) {
    const { name, bytes } = sample[index % sample.length]!;
    yield { name: `${Math.floor(index / sample.length)}/${name}`, bytes };
  }
}

/** Photos on their way to S3 at the same time. */
const UPLOADS_MAX = 16;
/** All of one hour, as photos that arrive are, so that the table's partitions don't depend on when the bench runs. */
const CAPTURED_AT_MS = Date.UTC(2026, 0, 1, 12);

/** Puts photos on S3 under a prefix; they are known to nobody yet. */
export async function uploadPhotos(
  store: ObjectStore,
  prefix: string,
  photos: Iterable<SamplePhoto>,
): Promise<StoredPhoto[]> {
  const limit = pLimit(UPLOADS_MAX);
  const unlabelled = new RegExp(UNLABELLED_FOLDERS);
  const uploads = Array.from(photos, ({ name, bytes }) =>
    limit(async (): Promise<StoredPhoto> => {
      const location = { bucket: BUCKET, key: `${prefix}/${name}` };
      const { etag } = await store.put(location, bytes);
      const label = labelOfKey(name, unlabelled);
      const time = { capturedAtMs: CAPTURED_AT_MS, capturedAtSource: "object" };
      return { ...location, etag, sizeBytes: bytes.byteLength, label, ...time, traceparent: null };
    }),
  );
  return Promise.all(uploads);
}

/** `count` announcements of photos that rest on S3, from the first on and around again. */
export function* announcements(photos: readonly StoredPhoto[], count: number): Generator<PhotoArrived> {
  const ingestedAtMs = Date.now();
  for (let index = 0; index < count; index++) yield { ...photos[index % photos.length]!, ingestedAtMs };
}
