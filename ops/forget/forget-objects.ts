import type { ObjectLocation, ObjectStore, ObjectVersion } from "#lib/store/object-store.ts";
import type { ForgetRequest } from "./forget-request.ts";

/** Where a request's photos rest in a store: those of `local` rest in files that are their owner's. */
interface Place extends ObjectLocation {
  /** Whether the key is one object's, or the beginning of several. */
  readonly isWhole: boolean;
}

/** The buckets of a request's photos. */
export function bucketsOf(request: ForgetRequest): string[] {
  return [...new Set(placesOf(request).map(({ bucket }) => bucket))].sort();
}

/** Every version of the request's photos that is older than the time from which on others may come. */
async function* findObjects(
  store: Pick<ObjectStore, "listVersions">,
  request: ForgetRequest,
): AsyncGenerator<ObjectVersion & ObjectLocation, void, undefined> {
  const { announcedBeforeMs } = request;
  for (const { bucket, key, isWhole } of placesOf(request)) {
    for await (const version of store.listVersions(bucket, key)) {
      if (isWhole && version.key !== key) continue;
      if (announcedBeforeMs === null || version.modifiedAtMs < announcedBeforeMs) yield { ...version, bucket };
    }
  }
}

/** Removes them for good. @returns how many versions there were. */
export async function deleteObjects(
  store: Pick<ObjectStore, "listVersions" | "deleteVersion">,
  request: ForgetRequest,
): Promise<number> {
  // Gathered first: a listing need not go on well while what it lists is removed.
  const found: (ObjectVersion & ObjectLocation)[] = [];
  for await (const version of findObjects(store, request)) found.push(version);
  for (const { bucket, ...version } of found) await store.deleteVersion(bucket, version);
  return found.length;
}

function placesOf({ photos, prefixes }: ForgetRequest): Place[] {
  const placeOf = (uri: string, isWhole: boolean): Place[] => {
    const [, bucket, key] = /^s3:\/\/([^/]+)\/(.+)$/s.exec(uri) ?? [];
    return bucket && key ? [{ bucket, key, isWhole }] : [];
  };
  return [...photos.flatMap((uri) => placeOf(uri, true)), ...prefixes.flatMap((prefix) => placeOf(prefix, false))];
}
