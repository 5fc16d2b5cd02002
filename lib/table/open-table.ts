import { randomUUID } from "node:crypto";
import { type Clock, systemClock } from "#lib/runtime/clock.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { type Logger, silentLogger } from "#lib/runtime/logger.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import { type Action, serialiseActions } from "./delta/actions.ts";
import { COMMIT_BYTES_MAX, commitPath, readLogFile } from "./delta/delta-log.ts";
import { DeltaTable, ENGINE } from "./delta/delta-table.ts";
import { findSnapshot, readSnapshot } from "./delta/read-snapshot.ts";
import { PROTOCOL } from "./delta/snapshot.ts";
import { evolvedMetadata } from "./delta/table-schema.ts";
import { PARTITION_COLUMNS, PHOTO_COLUMNS, type PhotoColumn, photoSchemaString } from "./photo-columns.ts";
import { formatTableUri, type TableAccess, type TableLocation, tableObject } from "./table-location.ts";

export interface OpenTableOptions {
  /**
   * Creates the table when there is none, and makes sure that the store can take commits. Several creators at once end
   * up with the same table. Without it nothing is written.
   */
  readonly createIfAbsent?: boolean;
  readonly logger?: Logger;
  readonly clock?: Clock;
  /** What the data files are to hold; a table that lacks some of those added later gets them with its next commit. */
  readonly columns?: readonly PhotoColumn[];
}

/**
 * Opens a table at its newest version.
 *
 * @throws invalid-table when there is no table and none is to be created, when its log can't be read, or when its
 * columns are not those of photo rows; with `createIfAbsent` invalid-config when the store overwrites where it must not.
 */
export async function openTable(
  store: ObjectStore,
  location: TableLocation,
  {
    createIfAbsent = false,
    logger = silentLogger,
    clock = systemClock,
    columns = PHOTO_COLUMNS,
  }: OpenTableOptions = {},
): Promise<DeltaTable> {
  const access: TableAccess = { store, location, logger, clock, columns };
  if (createIfAbsent && (await findSnapshot(access)) === undefined) await createTable(access, columns);
  const snapshot = await readSnapshot(access);
  evolvedMetadata(snapshot.metadata, columns, formatTableUri(location));
  if (createIfAbsent) await requireConditionalPuts(access, snapshot.version);
  return new DeltaTable(access, snapshot);
}

async function createTable(access: TableAccess, columns: readonly PhotoColumn[]): Promise<void> {
  const createdTime = access.clock.nowMs();
  const actions: Action[] = [
    { commitInfo: { timestamp: createdTime, operation: "CREATE TABLE", operationParameters: {}, engineInfo: ENGINE } },
    { protocol: PROTOCOL },
    {
      metaData: {
        id: randomUUID(),
        format: { provider: "parquet", options: {} },
        schemaString: photoSchemaString(columns),
        partitionColumns: PARTITION_COLUMNS.map(({ name }) => name),
        configuration: {},
        createdTime,
      },
    },
  ];
  await access.store.putIfAbsent(tableObject(access.location, commitPath(0)), Buffer.from(serialiseActions(actions)));
}

/**
 * A store that takes no notice of `If-None-Match` lets two writers commit the same version, and rows are lost without a
 * word. It is put to the test with the newest commit's own bytes: where they are written over, nothing is changed.
 */
async function requireConditionalPuts(access: TableAccess, version: number): Promise<void> {
  const path = commitPath(version);
  const bytes = await readLogFile(access, path, COMMIT_BYTES_MAX);
  if (bytes === undefined || !(await access.store.putIfAbsent(tableObject(access.location, path), bytes))) return;
  const problem = `the S3 server of ${formatTableUri(access.location)} ignores If-None-Match, so commits would overwrite`;
  throw new FruitstreamError("invalid-config", `${problem} each other; use one that supports conditional writes`);
}
