import type { AddFile } from "./delta/actions.ts";
import { type Fingerprint, fingerprintOf, type PlacedPhotoVersion } from "./photo-version.ts";
import { type EachPhotoVersionOptions, eachPhotoVersion } from "./photo-version-files.ts";
import { PhotoVersionSet } from "./photo-version-set.ts";
import type { TableAccess } from "./table-location.ts";

/** Photo versions that are compared at once, at up to 54 bytes each. With more rows the files are read several times. */
export const VERSIONS_HELD_MAX = 4_000_000;
/** A share is told by one byte of a fingerprint: a thousand million rows. */
const SHARES_MAX = 256;
/** Nothing is forgotten, so that times are of no use. */
const ANY_TIME_MS = 1_000;

export interface EachRepeatOptions extends Pick<EachPhotoVersionOptions, "skipsMissing"> {
  /** At most so many are in the files. */
  readonly rows: number;
  readonly versionsHeldMax: number;
}

/**
 * Tells the rows whose photo version a row that was read before has too. Memory is bounded by `versionsHeldMax`: each reading
 * compares one share of all fingerprints.
 *
 * @throws as `eachPhotoVersion`.
 */
export async function eachRepeat(
  access: TableAccess,
  files: readonly AddFile[],
  onRepeat: (version: PlacedPhotoVersion, fingerprint: Fingerprint) => void,
  { rows, versionsHeldMax, ...options }: EachRepeatOptions,
): Promise<void> {
  const shares = Math.min(SHARES_MAX, Math.max(1, Math.ceil(rows / versionsHeldMax)));
  for (let share = 0; share < shares; share++) {
    const seen = new PhotoVersionSet(Math.max(1, rows));
    const onVersion = (version: PlacedPhotoVersion) => {
      const fingerprint = fingerprintOf(version);
      if (fingerprint[0]! % shares !== share) return;
      if (seen.has(fingerprint)) onRepeat(version, fingerprint);
      seen.add(fingerprint, ANY_TIME_MS);
    };
    await eachPhotoVersion(access, files, onVersion, options);
  }
}
