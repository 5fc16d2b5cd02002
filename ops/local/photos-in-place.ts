import { FILE_BUCKET, fileOfLocation } from "#lib/photo/photo-uri.ts";
import { readObjectFile } from "#lib/store/folder/object-file.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";

/** What version 0.1.0 called this machine: a photo that it announced may be unfinished, or a dead letter. */
const EARLIER_BUCKET = "local";

/** What stands for this machine where a bucket is asked for. */
export const LOCAL_BUCKETS: readonly string[] = [FILE_BUCKET, EARLIER_BUCKET];

/**
 * A store whose photos are read where they lie; for everything else it is the one given. A photo that was replaced
 * since it was announced has another etag and is not read.
 */
export function withPhotosInPlace(store: ObjectStore): ObjectStore {
  return {
    ...store,
    get: async (location, options) => {
      const bucket = location.bucket === EARLIER_BUCKET ? FILE_BUCKET : location.bucket;
      const path = fileOfLocation({ ...location, bucket });
      return path === undefined ? store.get(location, options) : readObjectFile(path, options);
    },
  };
}
