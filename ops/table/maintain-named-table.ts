import { systemClock } from "#lib/runtime/clock.ts";
import { readConfig } from "#lib/runtime/config.ts";
import { Health } from "#lib/runtime/health.ts";
import { silentLogger } from "#lib/runtime/logger.ts";
import { type CompactionSummary, compactTable } from "#lib/table/operations/compact-table.ts";
import { type MaintenanceRound, type MaintenanceStep, maintainTable } from "#lib/table/operations/maintain-table.ts";
import { type CompactionOptions, DEFAULT_COMPACTION, planCompaction } from "#lib/table/operations/plan-compaction.ts";
import { readHistory, type TableVersion } from "#lib/table/operations/read-history.ts";
import { type VacuumedFile, type VacuumSummary, vacuumTable } from "#lib/table/operations/vacuum-table.ts";
import type { OpsDeps } from "#ops/pipeline/ops-deps.ts";
import { maintainerWorkConfig } from "#services/maintainer/config.ts";
import { createMaintainer, MAINTAINER_PARTS } from "#services/maintainer/maintainer.ts";
import { openNamedTable } from "./open-named-table.ts";

/** Under which name the caller knows the table. */
interface OfTable {
  readonly table: string;
}

/** What `compactNamedTable` would do. */
export interface PlannedCompaction {
  /** Files that would be replaced. */
  readonly files: number;
  readonly bytes: number;
  /** Files that would replace them. */
  readonly groups: number;
}

export interface CompactOptions {
  readonly fileBytesMax: number;
  readonly onProgress: (summary: CompactionSummary) => void;
  readonly signal: AbortSignal;
}

/**
 * Compacts a table at once, wherever it is, also those of its partitions that are written to.
 *
 * @throws as `openNamedTable` and `compactTable` do, or the signal's reason between two commits.
 */
export async function compactNamedTable(
  place: string | undefined,
  deps: OpsDeps,
  { fileBytesMax, onProgress, signal }: CompactOptions,
): Promise<OfTable & CompactionSummary & { readonly version: number }> {
  await using opened = await openNamedTable(place, deps, { writes: true });
  const { place: name, table } = opened;
  const summary = await compactTable(table, atOnce(fileBytesMax), { onProgress, signal });
  return { table: name, version: table.snapshot.version, ...summary };
}

/** What `compactNamedTable` would do now; reads the log alone. */
export async function planNamedCompaction(
  place: string | undefined,
  deps: OpsDeps,
  fileBytesMax: number,
): Promise<OfTable & PlannedCompaction> {
  await using opened = await openNamedTable(place, deps);
  const groups = planCompaction(opened.table.snapshot, atOnce(fileBytesMax), systemClock.nowMs());
  const files = groups.flatMap((group) => group.files);
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  return { table: opened.place, files: files.length, bytes, groups: groups.length };
}

/** No partition is waited for until it is quiet. */
function atOnce(fileBytesMax: number): CompactionOptions {
  return { ...DEFAULT_COMPACTION, fileBytesMax, quietMs: 0 };
}

/** Vacuums a table wherever it is. @throws as `openNamedTable` and `vacuumTable` do. */
export async function vacuumNamedTable(
  place: string | undefined,
  deps: OpsDeps,
  isDryRun: boolean,
  onFile: (file: VacuumedFile) => void,
): Promise<OfTable & VacuumSummary> {
  await using opened = await openNamedTable(place, deps, { writes: !isDryRun });
  return { table: opened.place, ...(await vacuumTable(opened.table, { isDryRun, onFile })) };
}

/** The newest versions of a table wherever it is, the newest first. */
export async function readNamedHistory(
  place: string | undefined,
  deps: OpsDeps,
  countMax: number,
): Promise<OfTable & { readonly versions: readonly TableVersion[] }> {
  await using opened = await openNamedTable(place, deps);
  return { table: opened.place, versions: await readHistory(opened.table, countMax) };
}

export interface MaintainOptions {
  /** Goes on until the signal aborts, with the pauses that the environment's settings ask for. */
  readonly watches: boolean;
  readonly onStep: (step: MaintenanceStep) => void;
  readonly onRound: (round: OfTable & MaintenanceRound) => void;
  readonly signal: AbortSignal;
}

/**
 * Maintains a table wherever it is, by the settings `MAINTAINER_…` of the environment: what the service does, once or, when
 * it is to watch, until the signal aborts.
 *
 * @throws as `openNamedTable` and `maintainTable` do; the signal's reason.
 */
export async function maintainNamedTable(
  place: string | undefined,
  deps: OpsDeps,
  { watches, onStep, onRound, signal }: MaintainOptions,
): Promise<void> {
  const config = readConfig(maintainerWorkConfig, deps.env);
  await using opened = await openNamedTable(place, deps, { writes: true });
  const { place: name, table } = opened;
  if (!watches) {
    const options = { ...config, repeatsEveryMs: 0, vacuumEveryMs: 0 };
    return onRound({ table: name, ...(await maintainTable(table, options, { onStep, signal })) });
  }
  const { store, location } = table;
  const health = new Health(systemClock.nowMs, MAINTAINER_PARTS);
  const told = { onStep, onRound: (round: MaintenanceRound) => onRound({ table: name, ...round }) };
  const maintainer = createMaintainer(
    { ...{ store, location, health, clock: systemClock, logger: silentLogger }, ...told },
    config,
  );
  const stop = () => void maintainer.stop();
  signal.addEventListener("abort", stop, { once: true });
  try {
    await maintainer.run();
    signal.throwIfAborted();
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
