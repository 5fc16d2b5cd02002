import pLimit from "p-limit";
import { listDataObjects } from "../data-objects.ts";
import { readSnapshot } from "../delta/read-snapshot.ts";
import type { Snapshot } from "../delta/snapshot.ts";
import { requireWritable } from "../delta/table-features.ts";
import { tablePropertiesOf } from "../delta/table-properties.ts";
import { formatTableUri, type TableAccess, tableObject } from "../table-location.ts";

export interface VacuumOptions {
  /** Deletes nothing. */
  readonly isDryRun?: boolean;
  /** Told of each file that goes. */
  readonly onFile?: ((file: VacuumedFile) => void) | undefined;
}

export interface VacuumedFile {
  /** Relative to the table's root. */
  readonly path: string;
  readonly bytes: number;
  /** Whether the log says that it was removed; otherwise no version that the log still has ever named it. */
  readonly wasRemoved: boolean;
}

export interface VacuumSummary {
  /** Deleted, or to be deleted. */
  readonly files: number;
  readonly bytes: number;
  /** Of no version any more, and too young to go: readers of older versions may need them. */
  readonly keptFiles: number;
  readonly keptBytes: number;
  readonly retentionMs: number;
}

/**
 * Deletes the data files that no version within `delta.deletedFileRetentionDuration` needs: those removed longer ago, and
 * those that no version names and that were written longer ago, which commits have left that lost a race. Names that
 * begin with an underscore or a dot are not looked at: the log, and what belongs to the table beside it.
 *
 * A file that is not in the log may be one that a writer has in hand: it is kept for UNNAMED_MS_MIN at least, however short
 * the retention is.
 *
 * @throws invalid-table when the table has a feature that we don't write by, whose files may be others.
 */
export async function vacuumTable(
  access: TableAccess,
  { isDryRun = false, onFile }: VacuumOptions = {},
): Promise<VacuumSummary> {
  const snapshot = await readSnapshot(access);
  const uri = formatTableUri(access.location);
  requireWritable(snapshot, uri);
  const retentionMs = tablePropertiesOf(snapshot.metadata, uri).deletedFileRetentionMs;
  const counts = { files: 0, bytes: 0, keptFiles: 0, keptBytes: 0 };
  const limit = pLimit(DELETES_IN_FLIGHT_MAX);
  let deletes: Promise<void>[] = [];
  const nowMs = access.clock.nowMs();
  for await (const { path, sizeBytes: bytes, modifiedAtMs } of listDataObjects(access)) {
    const fate = fateOf(path, modifiedAtMs, snapshot, retentionMs, nowMs);
    if (fate === "named") continue;
    if (fate === "young") {
      counts.keptFiles += 1;
      counts.keptBytes += bytes;
      continue;
    }
    counts.files += 1;
    counts.bytes += bytes;
    onFile?.({ path, bytes, wasRemoved: fate === "removed" });
    if (isDryRun) continue;
    deletes.push(limit(() => access.store.delete(tableObject(access.location, path))));
    if (deletes.length >= DELETES_HELD_MAX) {
      await Promise.all(deletes);
      deletes = [];
    }
  }
  await Promise.all(deletes);
  return { ...counts, retentionMs };
}

/** Longer than any commit is under way while the store answers. */
const UNNAMED_MS_MIN = 3_600_000;

const DELETES_IN_FLIGHT_MAX = 16;
const DELETES_HELD_MAX = 1_000;

type Fate = "named" | "young" | "removed" | "never-named";

function fateOf(
  path: string,
  modifiedAtMs: number,
  { files, tombstones }: Pick<Snapshot, "files" | "tombstones">,
  retentionMs: number,
  nowMs: number,
): Fate {
  if (files.has(path)) return "named";
  const tombstone = tombstones.get(path);
  if (tombstone) return (tombstone.deletionTimestamp ?? 0) < nowMs - retentionMs ? "removed" : "young";
  return modifiedAtMs < nowMs - Math.max(retentionMs, UNNAMED_MS_MIN) ? "never-named" : "young";
}
