import { relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { formatS3Uri, type ObjectLocation } from "#lib/store/object-store.ts";

/** The bucket that stands for this machine. S3 allows no two dots in a row, so no server's photo is taken for a file. */
export const FILE_BUCKET = "this..machine";

/** The key of the file at an absolute path. */
export function keyOfFile(path: string): string {
  return relative("/", path);
}

/** The absolute path of a photo that is read in place; undefined for one in a store. */
export function fileOfLocation({ bucket, key }: ObjectLocation): string | undefined {
  return bucket === FILE_BUCKET ? resolve("/", key) : undefined;
}

/** What opens a photo: `file://` and its path where it is read in place, else `s3://bucket/key`. */
export function photoUri(location: ObjectLocation): string {
  const path = fileOfLocation(location);
  return path === undefined ? formatS3Uri(location) : pathToFileURL(path).href;
}
