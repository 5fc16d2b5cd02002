import { randomUUID } from "node:crypto";
import { systemClock } from "#lib/runtime/clock.ts";
import { type Logger, silentLogger } from "#lib/runtime/logger.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import type { AddFile } from "#lib/table/delta/actions.ts";
import { cleanLog } from "#lib/table/delta/clean-log.ts";
import type { CommitRequest, DeltaTable } from "#lib/table/delta/delta-table.ts";
import { type TableAccess, type TableLocation, tableObject } from "#lib/table/table-location.ts";
import { createMemoryObjectStore } from "../../../fakes/memory-object-store.ts";

export const LOCATION: TableLocation = { bucket: "tables", prefix: "photos/features" };

export function emptyStore(): ObjectStore {
  return createMemoryObjectStore([LOCATION.bucket]);
}

export function accessOf(store: ObjectStore, logger: Logger = silentLogger): TableAccess {
  return { store, location: LOCATION, logger, clock: systemClock };
}

/** A logger that keeps the events of its warnings. */
export function warningsOf(): { logger: Logger; warnings: string[] } {
  const warnings: string[] = [];
  const logger = Object.assign(Object.create(silentLogger), {
    warn: ({ event }: { event: string }) => warnings.push(event),
  });
  return { logger, warnings };
}

/** An add action; no such file exists. */
export function addOf(path: string): AddFile {
  return {
    path,
    partitionValues: { model: "m", run: "live", dt: "2026-03-01", hour: "7" },
    size: 1,
    modificationTime: 0,
    dataChange: true,
    stats: '{"numRecords":1}',
  };
}

/** A request that moves the appIds one version on from where the table has them. */
export function requestOf(table: DeltaTable, appIds: readonly string[], adds: readonly AddFile[] = []): CommitRequest {
  const { txnVersions } = table.snapshot;
  return {
    commitId: randomUUID(),
    operation: "STREAMING UPDATE",
    adds,
    txns: appIds.map((appId) => ({ appId, version: (txnVersions.get(appId) ?? 0) + 1 })),
    baseTxns: new Map(appIds.map((appId) => [appId, txnVersions.get(appId)])),
  };
}

/** As many commits of p0, each with a file. Gives the files' paths. */
export async function commitTimes(writer: DeltaTable, times: number): Promise<string[]> {
  const files: string[] = [];
  for (let time = 0; time < times; time++) {
    const path = `file ${writer.snapshot.version + 1}`;
    await writer.commit(requestOf(writer, ["p0"], [addOf(path)]));
    files.push(path);
  }
  return files;
}

/** Sets a property of the table, beside those that it has. */
export async function setProperty(table: DeltaTable, name: string, value: string): Promise<void> {
  const planned = table.plan();
  const metadata = { ...planned.metadata, configuration: { ...planned.metadata.configuration, [name]: value } };
  const operation = { name: "SET TBLPROPERTIES", parameters: {} };
  await table.transact({ commitId: randomUUID(), operation, reads: { planned }, adds: [], metadata });
}

/** Cleans the table's log up as if it were later by so much. */
export function cleanLater(store: ObjectStore, table: DeltaTable, laterMs: number) {
  const clock = { ...systemClock, nowMs: () => Date.now() + laterMs };
  return cleanLog({ ...accessOf(store), clock }, table.snapshot);
}

/** Writes a file of the log as another tool would. */
export async function putLogFile(store: ObjectStore, name: string, body: string | Uint8Array): Promise<void> {
  await store.put(tableObject(LOCATION, `_delta_log/${name}`), Buffer.from(body));
}

/** `00000000000000000007.json` for version 7. */
export function logName(version: number, suffix = "json"): string {
  return `${String(version).padStart(20, "0")}.${suffix}`;
}
