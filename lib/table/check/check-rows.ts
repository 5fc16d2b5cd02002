import pLimit from "p-limit";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { AddFile } from "../delta/actions.ts";
import { recordCountOf } from "../delta/column-statistics.ts";
import { PHOTO_COLUMNS } from "../photo-columns.ts";
import { type ColumnFile, openColumnFile } from "../read-columns.ts";
import type { TableAccess } from "../table-location.ts";
import { SCALAR_COLUMNS, StatisticsCheck } from "./check-statistics.ts";
import type { OnFinding } from "./table-finding.ts";

/** Enough to hide S3's latency; of each file one row group of scalar columns is held. */
const FILES_READ_MAX = 8;

/** Takes the rows of a file as they are read: scalar columns, without the partition's. */
export type OnRows = (file: AddFile, rows: readonly Record<string, unknown>[]) => void;

/**
 * Reads the scalar columns of all files once, and holds each file's rows against its footer and its statistics.
 *
 * @param onRows told of all rows.
 * @returns the rows that are there, and the files that can be read.
 */
export async function checkRows(
  access: TableAccess,
  files: readonly AddFile[],
  onFinding: OnFinding,
  onRows: OnRows,
): Promise<{ readonly rows: number; readonly readable: readonly AddFile[] }> {
  const limit = pLimit(FILES_READ_MAX);
  const counts = await limit.map(files, (file) => checkFile(access, file, onFinding, onRows));
  return {
    rows: counts.reduce<number>((sum, count) => sum + (count ?? 0), 0),
    readable: files.filter((_, index) => counts[index] !== undefined),
  };
}

/** The file's rows; undefined when it can't be read. */
async function checkFile(
  access: TableAccess,
  file: AddFile,
  onFinding: OnFinding,
  onRows: OnRows,
): Promise<number | undefined> {
  try {
    const opened = await openColumnFile(access, file);
    checkCount(file, opened.rows, onFinding);
    const columns = SCALAR_COLUMNS.filter((name) => opened.names.has(name));
    requireColumns(opened);
    const statistics = new StatisticsCheck(file, columns);
    for await (const rows of opened.read(columns)) {
      statistics.add(rows);
      onRows(file, rows);
    }
    if (statistics.problem !== undefined) {
      onFinding({ code: "statistics", where: file.path, detail: statistics.problem });
    }
    return opened.rows;
  } catch (error) {
    if (!(error instanceof FruitstreamError)) throw error;
    // It was there when the folder was listed: whoever removes files of the newest version has done it since.
    const isGone = error.code === "not-found";
    if (!isGone && error.code !== "invalid-table") throw error;
    onFinding({ code: isGone ? "file-missing" : "file-unreadable", where: file.path, detail: error.message });
    return undefined;
  }
}

function checkCount(file: AddFile, rows: number, onFinding: OnFinding): void {
  const counted = recordCountOf(file);
  if (counted === rows) return;
  if (counted === undefined) {
    const detail = `the file has ${rows} rows, and the log does not say how many`;
    onFinding({ code: "no-statistics", where: file.path, detail });
  } else {
    onFinding({ code: "row-count", where: file.path, detail: `the file has ${rows} rows, the log says ${counted}` });
  }
}

function requireColumns({ names }: ColumnFile): void {
  const missing = PHOTO_COLUMNS.find(({ name, addedLater }) => !addedLater && !names.has(name));
  if (missing) throw new FruitstreamError("invalid-table", `the file must have the column "${missing.name}", got none`);
}
