import type { AddFile } from "../delta/actions.ts";
import { type Fingerprint, fingerprintOf } from "../photo-version.ts";
import { eachPhotoVersion } from "../photo-version-files.ts";
import { PhotoVersionSet } from "../photo-version-set.ts";
import type { TableAccess } from "../table-location.ts";
import type { OnFinding } from "./table-finding.ts";

/** Photo versions that are compared at once: about 130 MB. With more rows the files are read several times. */
const VERSIONS_HELD_MAX = 4_000_000;
/** A share is told by one byte of a fingerprint: a thousand million rows. */
const SHARES_MAX = 256;

/**
 * Finds rows whose photo version another row of the same run and model has. Memory is bounded by VERSIONS_HELD_MAX: each
 * reading compares one share of all fingerprints.
 *
 * @param rows at most so many are in the files.
 * @returns how many rows are repeats of others.
 */
export async function checkRepeats(
  access: TableAccess,
  files: readonly AddFile[],
  rows: number,
  onFinding: OnFinding,
  versionsHeldMax = VERSIONS_HELD_MAX,
): Promise<number> {
  const shares = Math.min(SHARES_MAX, Math.max(1, Math.ceil(rows / versionsHeldMax)));
  let repeats = 0;
  for (let share = 0; share < shares; share++) {
    const seen = new PhotoVersionSet(Math.max(rows, 1));
    await eachPhotoVersion(access, files, (version) => {
      const fingerprint = fingerprintOf(version);
      if (shareOf(fingerprint, shares) !== share) return;
      if (seen.has(fingerprint)) {
        repeats += 1;
        const { model, run, path, etag } = version;
        const detail = `${path} with etag ${etag} has another row of the same run and model`;
        onFinding({ code: "repeat", where: `${model}/${run}`, detail });
      }
      seen.add(fingerprint, 1_000);
    });
  }
  return repeats;
}

function shareOf(fingerprint: Fingerprint, shares: number): number {
  return fingerprint[0]! % shares;
}
