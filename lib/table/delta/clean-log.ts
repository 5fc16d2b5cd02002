import { formatTableUri, type TableAccess, tableObject } from "../table-location.ts";
import { readCheckpoint } from "./checkpoint.ts";
import { LOG_FOLDER } from "./delta-log.ts";
import { boundaryPath, listLog } from "./list-log.ts";
import type { Snapshot } from "./snapshot.ts";
import { tablePropertiesOf } from "./table-properties.ts";

export interface CleanedLog {
  /** The lowest version that can be read by now; undefined when nothing was to be removed. */
  readonly keptFrom: number | undefined;
  /** Commits, checkpoints and checksums. */
  readonly removedFiles: number;
}

/**
 * Removes what of the log no reader needs: everything before the newest checkpoint that is as old as
 * `delta.logRetentionDuration` asks, so that each version younger than that can still be read. That checkpoint is read
 * first; it, and all after it, stay in any case. Does nothing where `delta.enableExpiredLogCleanup` is off, or where the
 * log is protected (`delta.requireCheckpointProtectionBeforeVersion`). Sidecars of another tool's checkpoints stay.
 *
 * May be called at any time, by several at once, and again where it was interrupted: oldest files go first.
 *
 * Before anything is removed a boundary is written beside the log. A writer that has slept since would find the name of
 * its next version free again, and commit what nobody sees: it looks for a boundary after each commit. The latest
 * boundary stays for good.
 *
 * @param access an opened `DeltaTable` is one.
 * @param snapshot a recent state, for the table's properties: `table.snapshot`.
 * @throws invalid-table when a property can't be understood, or when the checkpoint can't be read.
 */
export async function cleanLog(access: TableAccess, { metadata }: Pick<Snapshot, "metadata">): Promise<CleanedLog> {
  const { store, location, clock } = access;
  const properties = tablePropertiesOf(metadata, formatTableUri(location));
  const nothing = { keptFrom: undefined, removedFiles: 0 };
  if (!properties.mayCleanLog) return nothing;
  const { checkpoints } = await listLog(access, 0);
  const files = await listFiles(access);
  const expiredMs = clock.nowMs() - properties.logRetentionMs;
  const young = files.find(({ isCommit, modifiedAtMs }) => isCommit && modifiedAtMs > expiredMs);
  const kept = checkpoints.findLast(({ version }) => version < (young?.version ?? Number.POSITIVE_INFINITY));
  if (kept === undefined || kept.version < properties.protectedBelowVersion) return nothing;
  const superfluous = files.filter(({ version }) => version < kept.version);
  if (superfluous.length === 0) return nothing;
  await readCheckpoint(access, kept);
  await store.putIfAbsent(tableObject(location, boundaryPath(kept.version)), Buffer.from("{}"));
  for (let first = 0; first < superfluous.length; first += DELETIONS_IN_FLIGHT_MAX) {
    const some = superfluous.slice(first, first + DELETIONS_IN_FLIGHT_MAX);
    await Promise.all(some.map(({ path }) => store.delete(tableObject(location, path))));
  }
  return { keptFrom: kept.version, removedFiles: superfluous.filter(({ isBoundary }) => !isBoundary).length };
}

const DELETIONS_IN_FLIGHT_MAX = 16;

interface LogFile {
  /** Relative to the table's root. */
  readonly path: string;
  /** The highest that it says something about. */
  readonly version: number;
  readonly isCommit: boolean;
  readonly isBoundary: boolean;
  readonly modifiedAtMs: number;
}

/** Commits, checkpoints, checksums and commits that were compacted into one file, oldest first; then former boundaries. */
async function listFiles({ store, location }: TableAccess): Promise<LogFile[]> {
  const folder = tableObject(location, `${LOG_FOLDER}/`);
  const files: LogFile[] = [];
  for await (const { key, modifiedAtMs } of store.list(folder.bucket, folder.key)) {
    const path = `${LOG_FOLDER}/${key.slice(folder.key.length)}`;
    const [, first, kind, last] = FILE.exec(path) ?? [];
    const version = Number(last ?? first ?? /\d{20}$/.exec(path)?.[0]);
    const isBoundary = path === boundaryPath(version);
    if (kind === undefined && !isBoundary) continue;
    files.push({ path, version, isCommit: kind === "json", isBoundary, modifiedAtMs });
  }
  return files;
}

const FILE = /\/(\d{20})\.(json|crc|(\d{20})\.compacted\.json|checkpoint\..+)$/;
