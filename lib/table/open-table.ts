import { randomUUID } from "node:crypto";
import { type Clock, systemClock } from "#lib/runtime/clock.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { type Logger, silentLogger } from "#lib/runtime/logger.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import { requireConditionalPuts, requireOneWinner } from "./conditional-puts.ts";
import { type Action, serialiseActions } from "./delta/actions.ts";
import { ENGINE } from "./delta/commit-note.ts";
import { commitPath } from "./delta/delta-log.ts";
import { DeltaTable } from "./delta/delta-table.ts";
import { findSnapshot, readSnapshot } from "./delta/read-snapshot.ts";
import { PROTOCOL } from "./delta/table-features.ts";
import { evolvedMetadata } from "./delta/table-schema.ts";
import { requireNewPlace } from "./new-table-place.ts";
import {
  type AskedPartitioning,
  DEFAULT_PARTITIONING,
  describePartitioning,
  type Partitioning,
  partitionColumns,
  partitioningProperties,
} from "./partitioning.ts";
import { PHOTO_COLUMNS, type PhotoColumn, photoSchemaString } from "./photo-columns.ts";
import { formatTableUri, type TableAccess, type TableLocation, tableObject } from "./table-location.ts";

export interface OpenTableOptions {
  /**
   * Creates the table when there is none, and makes sure that the store can take commits. Several creators at once end
   * up with the same table. Without it nothing is written.
   */
  readonly createIfAbsent?: boolean;
  /** Also makes sure that of writers at once one wins: for those that go on writing. Takes 64 MiB of puts. */
  readonly racesPuts?: boolean;
  readonly logger?: Logger;
  readonly clock?: Clock;
  /** What the data files are to hold; a table that lacks some of those added later gets them with its next commit. */
  readonly columns?: readonly PhotoColumn[];
  /** How a table that is created is partitioned, and how one that is there must be; what is not said may be anything. */
  readonly partitioning?: AskedPartitioning;
}

/**
 * Opens a table at its newest version.
 *
 * @throws invalid-table when there is no table and none is to be created, when its log can't be read, or when its
 * columns are not those of photo rows, or when remains of a table are where one is to be created; invalid-config when it
 * is partitioned otherwise than asked for, and with `createIfAbsent` when the store overwrites where it must not, or when
 * the place lies inside of another table.
 */
export async function openTable(
  store: ObjectStore,
  location: TableLocation,
  {
    createIfAbsent = false,
    racesPuts = false,
    logger = silentLogger,
    clock = systemClock,
    columns = PHOTO_COLUMNS,
    partitioning = {},
  }: OpenTableOptions = {},
): Promise<DeltaTable> {
  const access: TableAccess = { store, location, logger, clock, columns };
  const found = await findSnapshot(access);
  if (found === undefined && createIfAbsent) {
    await requireNewPlace(access);
    await createTable(access, columns, { ...DEFAULT_PARTITIONING, ...partitioning });
  }
  const snapshot = found ?? (await readSnapshot(access));
  evolvedMetadata(snapshot.metadata, columns, formatTableUri(location));
  if (createIfAbsent) await requireConditionalPuts(access, snapshot.version);
  if (racesPuts) await requireOneWinner(access);
  const table = new DeltaTable(access, snapshot);
  requireAsked(table, partitioning);
  if (createIfAbsent) await table.writes();
  return table;
}

function requireAsked({ location, partitioning }: DeltaTable, asked: AskedPartitioning): void {
  const wanted = { ...partitioning, ...asked };
  if (wanted.by === partitioning.by && (wanted.time === partitioning.time || wanted.by === "none")) return;
  const problem = `${formatTableUri(location)} is partitioned ${describePartitioning(partitioning)}, not ${describePartitioning(wanted)}`;
  throw new FruitstreamError(
    "invalid-config",
    `${problem}; leave the choice out, or build a new table (replay --topic features --table)`,
  );
}

async function createTable(
  access: TableAccess,
  columns: readonly PhotoColumn[],
  partitioning: Partitioning,
): Promise<void> {
  const byColumns = partitionColumns(partitioning.by);
  const createdTime = access.clock.nowMs();
  const actions: Action[] = [
    { commitInfo: { timestamp: createdTime, operation: "CREATE TABLE", operationParameters: {}, engineInfo: ENGINE } },
    { protocol: PROTOCOL },
    {
      metaData: {
        id: randomUUID(),
        format: { provider: "parquet", options: {} },
        schemaString: photoSchemaString(columns, byColumns),
        partitionColumns: byColumns.map(({ name }) => name),
        configuration: partitioningProperties(partitioning),
        createdTime,
      },
    },
  ];
  await access.store.putIfAbsent(tableObject(access.location, commitPath(0)), Buffer.from(serialiseActions(actions)));
}
