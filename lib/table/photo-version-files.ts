import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { AddFile } from "./delta/actions.ts";
import { statisticsOf } from "./delta/column-statistics.ts";
import type { PcaSubject } from "./pca-subject.ts";
import type { PlacedPhotoVersion } from "./photo-version.ts";
import { readColumns } from "./read-columns.ts";
import type { TableAccess } from "./table-location.ts";

/** Told of a row's photo version, of the file that it is in, and of its index there. */
export type OnPhotoVersion = (version: PlacedPhotoVersion, file: AddFile, row: number) => void;

export interface EachPhotoVersionOptions {
  /** Asked between some files and the next: whether the rest need not be read. */
  readonly isEnough?: () => boolean;
  /** Passes over, with an error in the log, a file that is not there: its rows are lost, so they are no photo's. */
  readonly skipsMissing?: boolean;
}

/** What tells a row's photo version and its place. */
const COLUMNS = ["path", "photo_etag", "ingested_at", "source_partition", "source_offset"];
/** Enough to hide S3's latency; of each file one row group of five columns is held. */
const FILES_READ_MAX = 16;

/**
 * Tells the photo versions of files' rows, by some of their columns only; several files are read at a time, in their order
 * but for what is under way together. Rows that another tool has written without path, etag or position are left out, with
 * a warning.
 *
 * @throws not-found for a file that is not there, unless `skipsMissing`; invalid-table for one that can't be read.
 */
export async function eachPhotoVersion(
  access: TableAccess,
  files: readonly AddFile[],
  onVersion: OnPhotoVersion,
  { isEnough = () => false, skipsMissing = false }: EachPhotoVersionOptions = {},
): Promise<void> {
  for (let first = 0; first < files.length && !isEnough(); first += FILES_READ_MAX) {
    const some = files.slice(first, first + FILES_READ_MAX);
    await Promise.all(some.map((file) => readFile(access, file, onVersion, skipsMissing)));
  }
}

async function readFile(
  access: TableAccess,
  file: AddFile,
  onVersion: OnPhotoVersion,
  skipsMissing: boolean,
): Promise<void> {
  const { model, run } = file.partitionValues;
  if (!model || !run) return;
  let firstRow = 0;
  try {
    let withoutVersion = 0;
    for await (const rows of readColumns(access, file, COLUMNS)) {
      for (const [index, row] of rows.entries()) {
        const version = versionOf({ model, run }, row);
        if (version) onVersion(version, file, firstRow + index);
        else withoutVersion += 1;
      }
      firstRow += rows.length;
    }
    if (withoutVersion > 0) warnOfRows(access, file, withoutVersion);
  } catch (error) {
    if (!(skipsMissing && error instanceof FruitstreamError && error.code === "not-found")) throw error;
    const fields = { event: "data_file_missing", file: file.path };
    access.logger.error(fields, "a data file of the table is gone, and its rows with it; restore it from a backup");
  }
}

function warnOfRows({ logger }: TableAccess, { path }: AddFile, rows: number): void {
  const fields = { event: "rows_without_photo_version", file: path, rows };
  logger.warn(
    fields,
    "rows name no photo, etag or source position, so they are nobody's photo; other tools have written them",
  );
}

function versionOf(subject: PcaSubject, row: Record<string, unknown>): PlacedPhotoVersion | undefined {
  const { path, photo_etag: etag, ingested_at, source_partition: sourcePartition, source_offset: sourceOffset } = row;
  if (typeof path !== "string" || typeof etag !== "string") return undefined;
  if (typeof sourcePartition !== "number" || typeof sourceOffset !== "number") return undefined;
  const ingestedAtMs = ingested_at instanceof Date ? ingested_at.getTime() : 0;
  return { ...subject, path, etag, ingestedAtMs, sourcePartition, sourceOffset };
}

/** The files that may have rows announced since then, those with the latest rows first, by their statistics. */
export function newestFirst(files: Iterable<AddFile>, sinceMs: number): AddFile[] {
  return Array.from(files, (file) => ({ file, latestMs: latestMsOf(file) }))
    .filter(({ latestMs }) => latestMs >= sinceMs)
    .sort((a, b) => b.latestMs - a.latestMs)
    .map(({ file }) => file);
}

/**
 * Whether the file may have rows of source partitions that are wanted, by its statistics.
 *
 * @param period of `isWanted`: it says the same of a source partition and of that one plus the period.
 */
export function mayHold(file: AddFile, isWanted: (sourcePartition: number) => boolean, period: number): boolean {
  const { minValues, maxValues } = statisticsOf(file);
  const [lowest, highest] = [minValues?.source_partition, maxValues?.source_partition];
  if (typeof lowest !== "number" || typeof highest !== "number") return true;
  const count = Math.min(period, highest - lowest + 1);
  return Array.from({ length: count }, (_, index) => lowest + index).some(isWanted);
}

/** Infinite for a file whose writer has kept no statistics. */
function latestMsOf(file: AddFile): number {
  const latest = statisticsOf(file).maxValues?.ingested_at;
  const latestMs = typeof latest === "string" ? Date.parse(latest) : Number.NaN;
  // Statistics are cut to milliseconds.
  return Number.isNaN(latestMs) ? Number.POSITIVE_INFINITY : latestMs + 1;
}
