import { randomUUID } from "node:crypto";
import type { Clock } from "#lib/runtime/clock.ts";
import { systemClock } from "#lib/runtime/clock.ts";
import { type Logger, silentLogger } from "#lib/runtime/logger.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import type { AddFile } from "#lib/table/delta/actions.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { openTable } from "#lib/table/open-table.ts";
import { type CompactionOptions, DEFAULT_COMPACTION } from "#lib/table/operations/plan-compaction.ts";
import type { PhotoRow } from "#lib/table/photo-row.ts";
import { readRows, writeRows } from "#lib/table/table-files.ts";
import { emptyStore, LOCATION } from "../table-fixtures.ts";

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

/** Files of tests are small: two of a row each are far below it. */
export const COMPACTION: CompactionOptions = { ...DEFAULT_COMPACTION, fileBytesMax: 1_000_000 };

/** A table in memory whose clock a test sets forward. */
export class MaintainedTable {
  readonly store: ObjectStore = emptyStore();
  readonly clock: Clock;
  #aheadMs = 0;

  constructor() {
    this.clock = {
      ...systemClock,
      nowMs: () => Date.now() + this.#aheadMs,
      sleep: systemClock.sleep.bind(systemClock),
    };
  }

  wait(ms: number): void {
    this.#aheadMs += ms;
  }

  open(logger: Logger = silentLogger): Promise<DeltaTable> {
    return openTable(this.store, LOCATION, { createIfAbsent: true, clock: this.clock, logger });
  }
}

/** Commits rows as a reducer does. */
export async function append(table: DeltaTable, rows: readonly PhotoRow[]): Promise<readonly AddFile[]> {
  const adds = await writeRows(table, rows);
  const operation = { name: "STREAMING UPDATE", parameters: { mode: "Append" } };
  const result = await table.transact({ commitId: randomUUID(), operation, adds });
  if (result.outcome !== "committed") throw new Error("an append is never in conflict");
  return adds;
}

/** All rows of the newest version, in the order of their source offsets. */
export async function allRows(table: DeltaTable): Promise<Record<string, unknown>[]> {
  await table.advance();
  const rows = await Promise.all([...table.snapshot.files.values()].map((file) => readRows(table, file)));
  return rows.flat().sort((a, b) => Number(a.source_offset) - Number(b.source_offset));
}
