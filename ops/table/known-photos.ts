import type { IsKnownPhoto } from "#lib/intake/backfill.ts";
import { LIVE_RUN } from "#lib/messages/messages.ts";
import { systemClock } from "#lib/runtime/clock.ts";
import { silentLogger } from "#lib/runtime/logger.ts";
import { formatS3Uri, type ObjectStore } from "#lib/store/object-store.ts";
import { findSnapshot } from "#lib/table/delta/read-snapshot.ts";
import { readKnownPhotos } from "#lib/table/known-photos.ts";
import { parseTableUri } from "#lib/table/table-location.ts";

/**
 * The photo versions under a prefix of a bucket that the table has in the live run, so that they need not be announced.
 *
 * @returns undefined when there is no such table: nobody has started a reducer yet.
 * @throws invalid-config for a URI that is none of a table on S3; invalid-table when the table can't be read.
 */
export async function findKnownPhotos(
  store: ObjectStore,
  tableUri: string,
  under: { readonly bucket: string; readonly prefix: string },
): Promise<IsKnownPhoto | undefined> {
  const access = { store, location: parseTableUri(tableUri), logger: silentLogger, clock: systemClock };
  const snapshot = await findSnapshot(access);
  if (!snapshot) return undefined;
  const pathPrefix = formatS3Uri({ bucket: under.bucket, key: under.prefix });
  const known = await readKnownPhotos({ ...access, snapshot }, LIVE_RUN, pathPrefix);
  return (location, etag) => known.has({ path: formatS3Uri(location), etag });
}
