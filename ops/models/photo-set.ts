import { readFile } from "node:fs/promises";
import { findPhotoFiles } from "#lib/intake/find-photo-files.ts";
import { type DecodedPhoto, type DecodeOptions, decodePhoto } from "#lib/photo/decode-photo.ts";
import { UNLABELLED_FOLDERS } from "#lib/photo/photo-label.ts";
import { photoNames } from "#lib/photo/photo-suffixes.ts";
import { deadLetterReasonOf, FruitstreamError } from "#lib/runtime/errors.ts";

/** A photo's bytes, and the name of the folder it lies in. */
export interface PhotoFile {
  readonly path: string;
  readonly label: string | null;
  readonly bytes: Buffer;
}

/**
 * Reads photos of a folder and of those below it: all, or so many evenly spaced ones in the order of their paths, so that
 * every label has its share. What can't be decoded is left out. Holds the files' bytes.
 *
 * @throws usage when there is no photo.
 */
export async function readPhotoSet(folder: string, photosMax: number, decode: DecodeOptions): Promise<PhotoFile[]> {
  const leaveOut = () => undefined;
  const rules = { names: photoNames(), unlabelled: new RegExp(UNLABELLED_FOLDERS) };
  const found: Omit<PhotoFile, "bytes">[] = [];
  const search = { folder, ...rules, onSkipped: leaveOut, onFault: leaveOut };
  for await (const { path, label } of findPhotoFiles(search)) found.push({ path, label });
  const photos: PhotoFile[] = [];
  for (const { path, label } of evenlySpaced(found, photosMax)) {
    const photo = { path, label, bytes: await readFile(path) };
    if (await tryDecode(photo, decode)) photos.push(photo);
  }
  if (photos.length > 0) return photos;
  throw new FruitstreamError("usage", `${folder} has no photo that can be read; name a folder with photos`);
}

/** `count` of the items, or all where there are fewer, from the first to the last. */
export function evenlySpaced<Item>(items: readonly Item[], count: number): Item[] {
  const taken = Math.min(count, items.length);
  return Array.from({ length: taken }, (_, index) => items[Math.floor((index * items.length) / taken)]!);
}

async function tryDecode(photo: PhotoFile, options: DecodeOptions): Promise<DecodedPhoto | undefined> {
  try {
    return await decodePhoto(photo.bytes, options);
  } catch (error) {
    if (deadLetterReasonOf(error) === undefined) throw error;
    return undefined;
  }
}
