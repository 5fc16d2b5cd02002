import { randomUUID } from "node:crypto";
import { posix } from "node:path";
import { setImmediate } from "node:timers/promises";
import type { AddFile } from "./delta/actions.ts";
import { columnStatistics } from "./delta/column-statistics.ts";
import { decodeRows, encodeRows } from "./parquet-file.ts";
import { DEFAULT_PARTITIONING, type Partitioning, partitionOf } from "./partitioning.ts";
import { PHOTO_COLUMNS } from "./photo-columns.ts";
import type { PhotoRow } from "./photo-row.ts";
import { type TableAccess, tableObject } from "./table-location.ts";

/**
 * Writes rows as data files, one or more a partition, each in the order given. They belong to the table once a commit
 * names them; files of a commit that never comes are left to vacuum. The thread is blocked for one file at a time.
 *
 * @param fileRowsMax the most rows of a file: what bounds the memory and the time of one encoding.
 * @throws poison-message when a row has no partition, before anything is written.
 */
export async function writeRows(
  access: TableAccess,
  rows: readonly PhotoRow[],
  { fileRowsMax = FILE_ROWS_MAX }: { readonly fileRowsMax?: number } = {},
): Promise<AddFile[]> {
  const partitioning = access.partitioning ?? DEFAULT_PARTITIONING;
  const groups = groupRows(rows, partitioning, fileRowsMax);
  const adds: AddFile[] = [];
  for (let first = 0; first < groups.length; first += UPLOADS_IN_FLIGHT_MAX) {
    const files = [];
    for (const group of groups.slice(first, first + UPLOADS_IN_FLIGHT_MAX)) {
      files.push(encodeFile(group, partitioning, access));
      // Heartbeats and fetches have their turn between two files.
      await setImmediate();
    }
    adds.push(...(await Promise.all(files.map((file) => putDataFile(access, file)))));
  }
  return adds;
}

/**
 * The rows of one of the table's files as plain objects, without the partition's columns. A column that was added to the
 * table after the file was written is null.
 */
export async function readRows(
  access: TableAccess,
  file: AddFile,
  columns?: readonly string[],
): Promise<Record<string, unknown>[]> {
  const addedLater = (access.columns ?? PHOTO_COLUMNS).filter((column) => column.addedLater).map(({ name }) => name);
  return decodeRows(await readDataFile(access, file), columns, addedLater);
}

/** All bytes of one of the table's files. @throws not-found when it is gone. */
export async function readDataFile({ store, location }: TableAccess, { path, size }: AddFile): Promise<Uint8Array> {
  return (await store.get(tableObject(location, path), { bytesMax: size })).bytes;
}

/** Puts a file under a name of its own. It belongs to the table once a commit names it. */
export async function putDataFile(
  { store, location, clock }: TableAccess,
  { folder, partitionValues, bytes, stats }: EncodedFile,
): Promise<AddFile> {
  const add: AddFile = {
    path: posix.join(folder, `part-${randomUUID()}.zstd.parquet`),
    partitionValues,
    size: bytes.byteLength,
    modificationTime: clock.nowMs(),
    dataChange: true,
    stats,
  };
  await store.put(tableObject(location, add.path), bytes, { contentType: "application/vnd.apache.parquet" });
  return add;
}

/** 21 MB of 1280 floats: about a quarter of a second of one core. */
const FILE_ROWS_MAX = 4096;

const UPLOADS_IN_FLIGHT_MAX = 8;

interface EncodedFile {
  /** Of its partition, relative to the table's root. */
  readonly folder: string;
  readonly partitionValues: AddFile["partitionValues"];
  readonly bytes: Uint8Array;
  readonly stats: string;
}

function groupRows(rows: readonly PhotoRow[], partitioning: Partitioning, rowsMax: number): PhotoRow[][] {
  const partitions = Map.groupBy(rows, (row) => partitionOf(row, partitioning).folder);
  return Array.from(partitions.values()).flatMap((group) =>
    Array.from({ length: Math.ceil(group.length / rowsMax) }, (_, part) =>
      group.slice(part * rowsMax, (part + 1) * rowsMax),
    ),
  );
}

function encodeFile(
  rows: readonly PhotoRow[],
  partitioning: Partitioning,
  { columns, indexedColumnsMax }: TableAccess,
): EncodedFile {
  const { folder, values } = partitionOf(rows[0]!, partitioning);
  const stats = columnStatistics(rows, columns, indexedColumnsMax);
  return { folder, partitionValues: values, bytes: encodeRows(rows, columns), stats };
}
