import { aborted } from "#lib/runtime/aborted.ts";
import type { Clock } from "#lib/runtime/clock.ts";
import type { Health } from "#lib/runtime/health.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import { metrics } from "#lib/runtime/metrics.ts";
import type { Service } from "#lib/runtime/service.ts";
import { WaitingRetry } from "#lib/runtime/waiting-retry.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { findSnapshot } from "#lib/table/delta/read-snapshot.ts";
import { openTable } from "#lib/table/open-table.ts";
import { type MaintenanceRound, type MaintenanceStep, maintainTable } from "#lib/table/operations/maintain-table.ts";
import { formatTableUri, type TableAccess } from "#lib/table/table-location.ts";
import type { MaintainerWorkConfig } from "./config.ts";

/** The parts of a maintainer's health report. */
export const MAINTAINER_PARTS = ["s3"] as const;

export interface MaintainerDeps extends TableAccess {
  readonly clock: Clock;
  readonly health: Health;
  readonly logger: Logger;
  readonly onStep?: ((step: MaintenanceStep) => void) | undefined;
  /** Told of each round. */
  readonly onRound?: ((round: MaintenanceRound) => void) | undefined;
}

/** One that has met another maintainer waits for so many intervals: the other does the work. */
const STANDBY_INTERVALS = 3;

/**
 * A maintainer: one round of `maintainTable` after the other, until it is stopped. Where there is no table yet it waits
 * for one. While S3 does not answer it waits, as reducers do. It has nothing that could be lost: killed anywhere, the next
 * one finds the table as the last commit has left it, and what was written in vain is left to vacuum.
 */
export function createMaintainer(deps: MaintainerDeps, config: MaintainerWorkConfig): Service {
  const { clock, health, logger, onStep, onRound } = deps;
  const stopping = new AbortController();
  const { signal } = stopping;
  const retry = new WaitingRetry(deps);
  const withS3 = <Result>(attempt: () => Promise<Result>) =>
    retry.run({ part: "s3", name: "maintain", signal, attempt });
  const options = { ...config, repeatsEveryMs: config.repeatsMs, vacuumEveryMs: config.vacuumMs };

  async function untilTable(): Promise<DeltaTable> {
    for (let isFirst = true; ; isFirst = false) {
      if (await withS3(() => findSnapshot(deps))) return withS3(() => openTable(deps.store, deps.location, deps));
      health.report("s3", "ok");
      const fields = { event: "table_waited_for", table: formatTableUri(deps.location) };
      if (isFirst) logger.info(fields, "there is no table yet; waiting for a reducer to create it");
      await clock.sleep(config.intervalMs, signal);
    }
  }

  async function work(): Promise<void> {
    const table = await untilTable();
    health.report("s3", "ok");
    logger.info({ event: "maintainer_started", version: table.snapshot.version }, "maintainer started");
    for (;;) {
      const round = await withS3(() => maintainTable(table, options, { signal, onStep, onProgress: noteFiles(table) }));
      noteRound(round, logger);
      onRound?.(round);
      const intervals = round.compaction.isOverridden ? STANDBY_INTERVALS : 1;
      await clock.sleep(intervals * config.intervalMs, signal);
    }
  }

  let done: Promise<void> | undefined;
  return {
    run: () => {
      done = work().catch((error) => {
        if (!signal.aborted) throw error;
      });
      return done;
    },
    // A request may take as long as it likes; nothing depends on how a round ends.
    async stop() {
      stopping.abort(new Error("stopped"));
      await Promise.race([done?.catch(() => undefined), aborted(AbortSignal.timeout(STOP_MS_MAX))]);
    },
  };
}

const STOP_MS_MAX = 5_000;

function noteFiles(table: DeltaTable): () => void {
  return () => metrics.maintainerFiles.set(table.snapshot.files.size);
}

function noteRound({ compaction, repeats, vacuum, log, ...round }: MaintenanceRound, logger: Logger): void {
  metrics.maintainerRounds.inc({ outcome: compaction.isOverridden ? "overridden" : "done" });
  metrics.maintainerRoundSeconds.observe(round.tookMs / 1_000);
  metrics.maintainerFiles.set(round.files);
  metrics.maintainerCompactedFiles.inc(compaction.removedFiles);
  metrics.maintainerWrittenBytes.inc(compaction.addedBytes + (repeats?.writtenBytes ?? 0));
  metrics.maintainerConflicts.inc(compaction.conflicts.length + (repeats?.conflict ? 1 : 0));
  metrics.maintainerRepeats.inc(repeats?.rows ?? 0);
  metrics.maintainerVacuumedFiles.inc(vacuum?.files ?? 0);
  const { left, conflicts, ...counts } = compaction;
  const fields = { event: "table_maintained", ...round, ...counts, conflicts: conflicts.length, left: left.length };
  const extras = { repeats: repeats?.rows, vacuumed: vacuum?.files, logFiles: log?.removedFiles };
  const isIdle = counts.commits === 0 && !repeats?.rows && !vacuum?.files && !log?.removedFiles;
  logger[isIdle ? "debug" : "info"]({ ...fields, ...extras }, "table maintained");
}
