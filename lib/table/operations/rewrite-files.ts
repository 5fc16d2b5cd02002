import assert from "node:assert";
import { posix } from "node:path";
import { setImmediate } from "node:timers/promises";
import { makeVector, type RecordBatch } from "apache-arrow";
import type { Basis } from "#lib/pca/basis.ts";
import type { Column } from "../arrow-columns.ts";
import type { AddFile, Metadata } from "../delta/actions.ts";
import { type KnownStatistics, mergeStatistics, statisticsOfValues } from "../delta/column-statistics.ts";
import { decodeBatches, encodeBatches } from "../parquet-file.ts";
import { PHOTO_COLUMNS, type PhotoColumn } from "../photo-columns.ts";
import { putDataFile, readDataFile } from "../table-files.ts";
import { type TableAccess, tableObject } from "../table-location.ts";
import { conformBatch, wantedColumns } from "./conform-batch.ts";
import { reprojectBatch } from "./reproject-batch.ts";

export interface RewriteOptions {
  /** What rows are projected onto that have coordinates of another; without it all keep theirs. */
  readonly basis?: Basis | undefined;
  /** Rows that go, by the path of their file and their index in it. */
  readonly drops?: ReadonlyMap<string, ReadonlySet<number>>;
}

/**
 * Writes the rows of files of one partition as one file, in their order. It belongs to the table once a commit names it.
 * Columns that other tools have added are kept; columns that a file is too old for are null.
 *
 * Memory: the file that is written, twice at its end; the file that is read, once; and some four times a batch of 4,096
 * rows. The thread is blocked for one batch at a time.
 *
 * @returns undefined when no row is left.
 * @throws not-found for a file that is gone; invalid-table for one that can't be read, or whose columns can't be copied.
 */
export async function rewriteFiles(
  access: TableAccess,
  metadata: Metadata,
  files: readonly AddFile[],
  { basis, drops }: RewriteOptions = {},
): Promise<AddFile | undefined> {
  const [first] = files;
  assert(first !== undefined, "there are files to rewrite");
  const columns = access.columns ?? PHOTO_COLUMNS;
  const wanted = wantedColumns(metadata, columns);
  let statistics: KnownStatistics | undefined;
  async function* batches() {
    for (const file of files) {
      for (const batch of keptBatches(await readDataFile(access, file), drops?.get(file.path))) {
        const conformed = conformBatch(batch, wanted);
        const written = basis ? reprojectBatch(conformed, basis) : conformed;
        const ofBatch = batchStatistics(written, batch.numRows, columns.slice(0, access.indexedColumnsMax));
        statistics = statistics ? mergeStatistics(statistics, ofBatch) : ofBatch;
        yield written;
        // Requests of others have their turn between two batches.
        await setImmediate();
      }
    }
  }
  const scalars = columns.filter(({ scalar }) => scalar !== undefined).map(({ name }) => name);
  const bytes = await encodeBatches(batches(), scalars);
  if (bytes === undefined) return undefined;
  const { path, partitionValues } = first;
  return await putDataFile(access, {
    folder: posix.dirname(path),
    partitionValues,
    bytes,
    stats: JSON.stringify(statistics),
  });
}

/** Files of a transaction that was not committed, and never will be: they belong to nobody. */
export async function deleteUncommitted({ store, location }: TableAccess, files: readonly AddFile[]): Promise<void> {
  for (const { path } of files) await store.delete(tableObject(location, path));
}

/** A file's rows but for those that go: what lies between two of them is a batch of its own. */
function* keptBatches(bytes: Uint8Array, drops: ReadonlySet<number> = new Set()): Generator<RecordBatch> {
  let firstRow = 0;
  for (const batch of decodeBatches(bytes)) {
    let begin = 0;
    for (let row = 0; row <= batch.numRows; row++) {
      if (row < batch.numRows && !drops.has(firstRow + row)) continue;
      if (row > begin) yield begin === 0 && row === batch.numRows ? batch : batch.slice(begin, row);
      begin = row + 1;
    }
    firstRow += batch.numRows;
  }
}

function batchStatistics(
  written: Readonly<Record<string, Column>>,
  numRows: number,
  columns: readonly PhotoColumn[],
): KnownStatistics {
  const scalars = columns.filter(({ scalar }) => scalar !== undefined);
  return statisticsOfValues(
    numRows,
    scalars.map(({ name, type }) => ({ name, type, values: Array.from(makeVector(written[name]!), scalarOf) })),
  );
}

/** Times are in milliseconds, to which statistics are cut. */
function scalarOf(value: unknown): string | number | null {
  if (value === null || value === undefined) return null;
  return typeof value === "string" ? value : Math.floor(Number(value));
}
