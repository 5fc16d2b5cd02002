import { FruitstreamError } from "#lib/runtime/errors.ts";
import { formatTableUri, type TableAccess } from "../table-location.ts";
import { readCheckpoint, readLastCheckpoint } from "./checkpoint.ts";
import { readCommits } from "./delta-log.ts";
import { type LogListing, listLog } from "./list-log.ts";
import { Snapshot } from "./snapshot.ts";
import { requireReadable } from "./table-features.ts";

/**
 * Reads the state of a table: its newest, or that of an older version. From the newest checkpoint that can be read and
 * the commits after it; a checkpoint that can't be read is logged and costs time, not the table.
 *
 * @throws invalid-table when there is no table, when its log is not complete or can't be read, or when it makes use of
 * a table feature that readers of ours don't know, by its name; usage when the table has no such version.
 */
export async function readSnapshot(access: TableAccess, options: SnapshotOptions = {}): Promise<Snapshot> {
  const snapshot = await findSnapshot(access, options);
  if (snapshot !== undefined) return snapshot;
  const uri = formatTableUri(access.location);
  throw new FruitstreamError("invalid-table", `there is no table at ${uri}; check its URI, or start a reducer first`);
}

export interface SnapshotOptions {
  readonly version?: number;
}

/** Like `readSnapshot`, but undefined when there is no table. */
export async function findSnapshot(
  access: TableAccess,
  { version }: SnapshotOptions = {},
): Promise<Snapshot | undefined> {
  const { base, newest } = await findBase(access, version ?? Number.POSITIVE_INFINITY);
  if (newest === undefined) return undefined;
  const uri = formatTableUri(access.location);
  const toVersion = version ?? newest;
  if (!(Number.isInteger(toVersion) && toVersion >= 0 && toVersion <= newest)) {
    throw new FruitstreamError("usage", `${uri} has versions 0 to ${newest}, got ${toVersion}`);
  }
  let snapshot = base;
  for await (const commit of readCommits(access, base?.version ?? -1, toVersion)) {
    if (snapshot === undefined) snapshot = new Snapshot(commit);
    else snapshot.apply(commit);
  }
  if (snapshot !== undefined) requireReadable(snapshot, snapshot.files.values(), uri);
  return snapshot;
}

/** Where a replay up to `versionMax` begins, if not at version 0; and the log's newest version, if there is a log. */
async function findBase(
  access: TableAccess,
  versionMax: number,
): Promise<{ base: Snapshot | undefined; newest: number | undefined }> {
  const last = await readLastCheckpoint(access);
  if (last !== undefined && last.version <= versionMax) {
    const log = await listLog(access, last.version);
    const base = await newestCheckpoint(access, log, versionMax);
    if (base !== undefined) return { base, newest: newestVersion(log, base) };
  }
  const log = await listLog(access, 0);
  const base = await newestCheckpoint(access, log, versionMax);
  return { base, newest: newestVersion(log, base) };
}

/** Commits before a checkpoint may be left over when those at it are cleaned up. */
function newestVersion({ commits }: LogListing, base: Snapshot | undefined): number | undefined {
  const versions = [...commits.slice(-1), ...(base ? [base.version] : [])];
  return versions.length === 0 ? undefined : Math.max(...versions);
}

async function newestCheckpoint(
  access: TableAccess,
  { checkpoints }: LogListing,
  versionMax: number,
): Promise<Snapshot | undefined> {
  for (const files of checkpoints.filter(({ version }) => version <= versionMax).toReversed()) {
    try {
      return await readCheckpoint(access, files);
    } catch (error) {
      if (!(error instanceof FruitstreamError && error.code === "invalid-table")) throw error;
      const fields = { event: "table_checkpoint_unreadable", err: error, version: files.version, paths: files.paths };
      access.logger.warn(fields, "could not read a table checkpoint; replaying the log from an earlier one");
    }
  }
  return undefined;
}
