import { FruitstreamError } from "#lib/runtime/errors.ts";
import { LOG_FOLDER } from "./delta/delta-log.ts";
import { findSnapshot } from "./delta/read-snapshot.ts";
import { formatTableUri, type TableAccess, tableObject } from "./table-location.ts";

/**
 * Makes sure that a table can begin where none was found: neither where one was that can't be read, whose versions would
 * be written over from 0 on, nor inside another, whose clean-up would take the files.
 *
 * @throws invalid-table when there are remains of a log; invalid-config when a folder above is a table.
 */
export async function requireNewPlace(access: TableAccess): Promise<void> {
  const uri = formatTableUri(access.location);
  const remains = await logFileBelow(access, access.location.prefix);
  // Another creator may have been faster since.
  if (remains !== undefined && (await findSnapshot(access)) === undefined) {
    const problem = `${uri} has no table that can be read, but ${remains} of one that was there`;
    throw new FruitstreamError(
      "invalid-table",
      `${problem}; restore its log, choose another TABLE_URI, or delete the folder if its rows are not needed`,
    );
  }
  const folders = access.location.prefix.split("/");
  for (let depth = 1; depth < folders.length; depth++) {
    const above = folders.slice(0, depth).join("/");
    if ((await logFileBelow(access, above)) === undefined) continue;
    const outer = formatTableUri({ ...access.location, prefix: above });
    const problem = `${uri} lies inside of the table ${outer}, whose VACUUM would delete its files`;
    throw new FruitstreamError("invalid-config", `${problem}; choose a TABLE_URI beside it`);
  }
}

/** The first file of a Delta log under a prefix; markers of folders and what is no tool's are passed over. */
async function logFileBelow({ store, location }: TableAccess, prefix: string): Promise<string | undefined> {
  const folder = tableObject({ ...location, prefix }, `${LOG_FOLDER}/`);
  for await (const { key } of store.list(folder.bucket, folder.key)) {
    if (LOG_FILE.test(key.slice(folder.key.length))) return `${LOG_FOLDER}/${key.slice(folder.key.length)}`;
  }
  return undefined;
}

/** Commits, checkpoints, checksums, compacted commits; hints, and folders of commits and sidecars. */
const LOG_FILE = /^(\d{20}\.|_)/;
