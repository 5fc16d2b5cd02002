import { readLastCheckpoint, writeCheckpoint } from "../delta/checkpoint.ts";
import { type CleanedLog, cleanLog } from "../delta/clean-log.ts";
import type { DeltaTable } from "../delta/delta-table.ts";
import { readSnapshot } from "../delta/read-snapshot.ts";
import { tablePropertiesOf } from "../delta/table-properties.ts";
import { formatTableUri } from "../table-location.ts";
import { type CompactionDeps, type CompactionSummary, compactTable } from "./compact-table.ts";
import { type DroppedRepeats, dropRepeats } from "./drop-repeats.ts";
import { type MaintenanceRecord, readMaintenanceRecord, writeMaintenanceRecord } from "./maintenance-record.ts";
import type { CompactionOptions } from "./plan-compaction.ts";
import { type VacuumSummary, vacuumTable } from "./vacuum-table.ts";

export interface MaintenanceOptions extends CompactionOptions {
  /** How often all rows are looked through for repeated photo versions. */
  readonly repeatsEveryMs: number;
  /** How often the table's folder is listed for files that may go. */
  readonly vacuumEveryMs: number;
}

/** The steps of a round, in their order. */
export type MaintenanceStep = "compact" | "repeats" | "checkpoint" | "log" | "vacuum";

/** What a round has done; steps that were not due are left out. */
export interface MaintenanceRound {
  /** The table after it. */
  readonly version: number;
  readonly files: number;
  readonly tookMs: number;
  readonly compaction: CompactionSummary;
  readonly repeats?: DroppedRepeats;
  /** The version of a checkpoint that was written. */
  readonly checkpoint?: number;
  readonly log?: CleanedLog;
  readonly vacuum?: VacuumSummary;
}

export interface MaintenanceDeps extends CompactionDeps {
  readonly onStep?: ((step: MaintenanceStep) => void) | undefined;
}

/**
 * One round of a table's maintenance: compacts, drops repeats, writes a checkpoint where the latest is old, cleans the log
 * and vacuums. Each step may be interrupted anywhere and begins anew in the next round. A round that finds another
 * maintainer at work leaves the rest to it.
 *
 * @throws store-unavailable when the store does not answer; invalid-table when the table can't be written to by us.
 */
export async function maintainTable(
  table: DeltaTable,
  options: MaintenanceOptions,
  { onStep, ...deps }: MaintenanceDeps = {},
): Promise<MaintenanceRound> {
  const startedAtMs = table.clock.nowMs();
  const uri = formatTableUri(table.location);
  onStep?.("compact");
  const compaction = await compactTable(table, options, deps);
  const done: { -readonly [Step in keyof MaintenanceRound]?: MaintenanceRound[Step] } = {};
  if (!compaction.isOverridden) {
    const before = await readMaintenanceRecord(table);
    const record: MaintenanceRecord = { ...before };
    const { isAppendOnly } = tablePropertiesOf(table.snapshot.metadata, uri);
    if (!isAppendOnly && isDue(before.repeatsAtMs, options.repeatsEveryMs, startedAtMs)) {
      deps.signal?.throwIfAborted();
      onStep?.("repeats");
      done.repeats = await dropRepeats(table);
      if (!done.repeats.conflict) record.repeatsAtMs = startedAtMs;
    }
    deps.signal?.throwIfAborted();
    onStep?.("checkpoint");
    const checkpoint = await writeDueCheckpoint(table);
    if (checkpoint !== undefined) done.checkpoint = checkpoint;
    onStep?.("log");
    done.log = await cleanLog(table, table.snapshot);
    if (isDue(before.vacuumedAtMs, options.vacuumEveryMs, startedAtMs)) {
      deps.signal?.throwIfAborted();
      onStep?.("vacuum");
      done.vacuum = await vacuumTable(table);
      record.vacuumedAtMs = startedAtMs;
    }
    await writeMaintenanceRecord(table, before, record);
  }
  const { version, files } = table.snapshot;
  return { ...done, version, files: files.size, compaction, tookMs: Math.round(table.clock.nowMs() - startedAtMs) };
}

/** A time to come is that of a clock that was wrong. */
function isDue(lastMs: number, everyMs: number, nowMs: number): boolean {
  return nowMs - lastMs >= everyMs || lastMs > nowMs;
}

/**
 * Writers write one whenever the version is a multiple of the table's interval; one of theirs may have failed, and other
 * tools may write none.
 */
async function writeDueCheckpoint(table: DeltaTable): Promise<number | undefined> {
  const { checkpointIntervalVersions } = tablePropertiesOf(table.snapshot.metadata, formatTableUri(table.location));
  const last = await readLastCheckpoint(table);
  if (table.snapshot.version - (last?.version ?? 0) < checkpointIntervalVersions) return undefined;
  const snapshot = await readSnapshot(table);
  await writeCheckpoint(table, snapshot);
  return snapshot.version;
}
