import { type TableAccess, tableObject } from "../table-location.ts";
import { digits, LOG_FOLDER } from "./delta-log.ts";

/** The files that a checkpoint begins with, relative to the table's root: one, or all parts in their order. */
export interface CheckpointFiles {
  readonly version: number;
  readonly paths: readonly string[];
}

export interface LogListing {
  /** Ascending. */
  readonly commits: readonly number[];
  /** Ascending by version, of which there may be several checkpoints. Those with missing parts are left out. */
  readonly checkpoints: readonly CheckpointFiles[];
}

/**
 * What the log's folder holds from a version on. Files of other kinds are passed over: checksums, compacted commits,
 * which repeat single ones, and whatever tools have put there.
 */
export async function listLog({ store, location }: TableAccess, fromVersion: number): Promise<LogListing> {
  const folder = tableObject(location, `${LOG_FOLDER}/`);
  const commits: number[] = [];
  const checkpoints: CheckpointFiles[] = [];
  const parts = new Map<string, string[]>();
  for await (const { key } of store.list(folder.bucket, folder.key, { startAfter: folder.key + digits(fromVersion) })) {
    const [name, digitsOfVersion, kind] = LOG_NAME.exec(key.slice(folder.key.length)) ?? [];
    const version = Number(digitsOfVersion);
    // A version that no number can tell from its neighbours is nobody's.
    if (name === undefined || kind === undefined || !Number.isSafeInteger(version)) continue;
    const path = `${LOG_FOLDER}/${name}`;
    const [, , partCount] = PART.exec(kind) ?? [];
    if (kind === "json") commits.push(version);
    else if (partCount === undefined) checkpoints.push({ version, paths: [path] });
    else {
      // Names sort by their part, so each list comes to be in order.
      const paths = parts.get(`${version} ${partCount}`) ?? [];
      paths.push(path);
      parts.set(`${version} ${partCount}`, paths);
      if (paths.length === Number(partCount)) checkpoints.push({ version, paths });
    }
  }
  return { commits, checkpoints: checkpoints.sort((a, b) => a.version - b.version) };
}

/** A commit; a checkpoint in one file, in parts, or of the protocol's version 2, which has a UUID in its name. */
const LOG_NAME =
  /^(\d{20})\.(json|checkpoint(?:\.\d{10}\.\d{10}|\.[0-9a-f-]{36})?\.parquet|checkpoint\.[0-9a-f-]{36}\.json)$/;

const PART = /^checkpoint\.(\d{10})\.(\d{10})\.parquet$/;
