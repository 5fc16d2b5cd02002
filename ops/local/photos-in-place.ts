import { relative, resolve } from "node:path";
import { readObjectFile } from "#lib/store/folder/object-file.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";

/** The bucket that stands for this machine: `s3://local/home/me/apples/1.jpg` is the file /home/me/apples/1.jpg. */
export const LOCAL_BUCKET = "local";

/** The key of the file at an absolute path. */
export function keyOfPath(path: string): string {
  return relative("/", path);
}

/**
 * A store whose photos are read where they lie; for everything else it is the one given. A photo that was replaced
 * since it was announced has another etag and is not read.
 */
export function withPhotosInPlace(store: ObjectStore): ObjectStore {
  return {
    ...store,
    get: async (location, options) =>
      location.bucket === LOCAL_BUCKET
        ? readObjectFile(resolve("/", location.key), options)
        : store.get(location, options),
  };
}
