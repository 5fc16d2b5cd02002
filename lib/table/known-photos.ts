import { compareKeys } from "#lib/store/object-store.ts";
import type { AddFile } from "./delta/actions.ts";
import { statisticsOf } from "./delta/column-statistics.ts";
import type { Snapshot } from "./delta/snapshot.ts";
import { fingerprintOf, type PhotoVersion } from "./photo-version.ts";
import { eachPhotoVersion } from "./photo-version-files.ts";
import { PhotoVersionSet } from "./photo-version-set.ts";
import type { TableAccess } from "./table-location.ts";

/** Far more than a table has rows; what they take in memory is bounded by those that it has. */
const COUNT_MAX = 1_000_000_000;

/** In place of the model: whoever announces a photo does not say which is to see it. */
const ANY = "";

/** The photo versions that a table has in one run, of photos whose paths begin alike. */
interface KnownPhotos {
  readonly count: number;
  has(version: Pick<PhotoVersion, "path" | "etag">): boolean;
}

/**
 * Reads them from all rows, so that it does not depend on what reducers remember: some columns of those files that may have
 * such a path. Memory: up to 54 bytes a row.
 *
 * @throws invalid-table or not-found when a data file can't be read.
 */
export async function readKnownPhotos(
  table: TableAccess & { readonly snapshot: Pick<Snapshot, "files"> },
  run: string,
  pathPrefix: string,
): Promise<KnownPhotos> {
  const known = new PhotoVersionSet(COUNT_MAX);
  const files = [...table.snapshot.files.values()].filter(
    (file) => file.partitionValues.run === run && mayBeginWith(file, pathPrefix),
  );
  await eachPhotoVersion(table, files, (version) => {
    if (version.path.startsWith(pathPrefix)) known.add(fingerprintOf({ ...version, model: ANY }), version.ingestedAtMs);
  });
  return {
    count: known.count,
    has: ({ path, etag }) => known.has(fingerprintOf({ model: ANY, run, path, etag })),
  };
}

/** By the statistics, which hold beginnings of paths in the order of their UTF-8 bytes. */
function mayBeginWith(file: AddFile, prefix: string): boolean {
  const { minValues, maxValues } = statisticsOf(file);
  const [lowest, highest] = [minValues?.path, maxValues?.path];
  if (typeof highest === "string" && compareKeys(highest, prefix) < 0) return false;
  return !(typeof lowest === "string" && compareKeys(lowest, prefix) > 0 && !lowest.startsWith(prefix));
}
