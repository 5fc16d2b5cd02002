import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { SIDE_FOLDER, type TableAccess, tableObject } from "../table-location.ts";

/** When a table was last looked through, in milliseconds since the Unix epoch: 0 for never. */
export interface MaintenanceRecord {
  repeatsAtMs: number;
  vacuumedAtMs: number;
}

/**
 * What the last rounds have noted beside the table, so that a maintainer that is started often does not look through all
 * of it each time. One that is missing or damaged costs a look and nothing else.
 */
export async function readMaintenanceRecord({ store, location }: TableAccess): Promise<MaintenanceRecord> {
  try {
    const { bytes } = await store.get(tableObject(location, RECORD_PATH), { bytesMax: RECORD_BYTES_MAX });
    return recordSchema.parse(JSON.parse(Buffer.from(bytes).toString()));
  } catch (error) {
    const isUnreachable = error instanceof FruitstreamError && !["not-found", "too-large"].includes(error.code);
    if (isUnreachable) throw error;
    return { repeatsAtMs: 0, vacuumedAtMs: 0 };
  }
}

/** Writes it where it has changed. */
export async function writeMaintenanceRecord(
  { store, location }: TableAccess,
  before: MaintenanceRecord,
  record: MaintenanceRecord,
): Promise<void> {
  if (isDeepStrictEqual(before, record)) return;
  const options = { contentType: "application/json" };
  await store.put(tableObject(location, RECORD_PATH), Buffer.from(JSON.stringify(record)), options);
}

const RECORD_PATH = `${SIDE_FOLDER}/maintenance.json`;
const RECORD_BYTES_MAX = 65_536;

const timeMs = z.number().int().nonnegative();
const recordSchema = z.object({ repeatsAtMs: timeMs, vacuumedAtMs: timeMs });
