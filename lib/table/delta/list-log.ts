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
  /** Of the commits' files, by version. */
  readonly etags: ReadonlyMap<number, string>;
  /** Commits of lower versions may have been cleaned up; 0 where none were by us. */
  readonly cleanedBelow: number;
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
  const etags = new Map<number, string>();
  let cleanedBelow = 0;
  const checkpoints: CheckpointFiles[] = [];
  const parts = new Map<string, string[]>();
  const startAfter = folder.key + digits(fromVersion);
  for await (const { key, etag } of store.list(folder.bucket, folder.key, { startAfter })) {
    const fileName = key.slice(folder.key.length);
    cleanedBelow = Math.max(cleanedBelow, boundaryOf(fileName));
    const [name, digitsOfVersion, kind] = LOG_NAME.exec(fileName) ?? [];
    const version = Number(digitsOfVersion);
    // A version that no number can tell from its neighbours is nobody's.
    if (name === undefined || kind === undefined || !Number.isSafeInteger(version)) continue;
    const path = `${LOG_FOLDER}/${name}`;
    const [, , partCount] = PART.exec(kind) ?? [];
    if (kind === "json") {
      commits.push(version);
      etags.set(version, etag);
    } else if (partCount === undefined) checkpoints.push({ version, paths: [path] });
    else {
      // Names sort by their part, so each list comes to be in order.
      const paths = parts.get(`${version} ${partCount}`) ?? [];
      paths.push(path);
      parts.set(`${version} ${partCount}`, paths);
      if (paths.length === Number(partCount)) checkpoints.push({ version, paths });
    }
  }
  return { commits, etags, cleanedBelow, checkpoints: checkpoints.sort((a, b) => a.version - b.version) };
}

/**
 * The file, relative to the table's root, that says that commits below a version were or will be cleaned up. Its name sorts
 * behind those of all versions, so that every listing from a version on shows it.
 */
export function boundaryPath(version: number): string {
  return `${LOG_FOLDER}/${BOUNDARY_BEGIN}${digits(version)}`;
}

function boundaryOf(fileName: string): number {
  return fileName.startsWith(BOUNDARY_BEGIN) ? Number(fileName.slice(BOUNDARY_BEGIN.length)) || 0 : 0;
}

const BOUNDARY_BEGIN = "_fruitstream_cleaned_below.";

/** A commit; a checkpoint in one file, in parts, or of the protocol's version 2, which has a UUID in its name. */
const LOG_NAME =
  /^(\d{20})\.(json|checkpoint(?:\.\d{10}\.\d{10}|\.[0-9a-f-]{36})?\.parquet|checkpoint\.[0-9a-f-]{36}\.json)$/;

const PART = /^checkpoint\.(\d{10})\.(\d{10})\.parquet$/;
