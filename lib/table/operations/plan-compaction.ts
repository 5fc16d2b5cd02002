import type { AddFile } from "../delta/actions.ts";
import { statisticsOf } from "../delta/column-statistics.ts";
import type { PlannedState } from "../delta/transaction.ts";

export interface CompactionOptions {
  /** About what a compacted file has. Files of more than three quarters of it are left alone. */
  readonly fileBytesMax: number;
  /** A partition that nothing was added to for so long is closed. */
  readonly quietMs: number;
  /** Of a partition that is still written to, so many files of like size become one. */
  readonly openFilesMin: number;
}

/** 128 MB, as Spark's OPTIMIZE and delta-rs write them or less: a few seconds' work of a reader, and little memory. */
export const FILE_BYTES_MAX = 128 * 2 ** 20;

export const DEFAULT_COMPACTION: CompactionOptions = {
  fileBytesMax: FILE_BYTES_MAX,
  quietMs: 3_600_000,
  openFilesMin: 32,
};

/** Files of one partition that are to become one. */
export interface CompactionGroup {
  readonly partitionValues: AddFile["partitionValues"];
  /** Two or more, the earliest rows first. */
  readonly files: readonly AddFile[];
}

/**
 * Which files of a table are to become one.
 *
 * In a closed partition all small files are packed into as few as the size allows. In one that is still written to, files
 * wait until there are `openFilesMin` of like size, within a factor of 16: a row is written anew at most once for each
 * such factor between a window's file and a full one, whatever the rate, and the partition never has more than
 * `openFilesMin` files for each factor beside the full ones. Repeated after each compaction, the plan comes to its end:
 * every group makes the files fewer.
 *
 * @param isLeft files that can't be rewritten.
 */
export function planCompaction(
  { files }: Pick<PlannedState, "files">,
  options: CompactionOptions,
  nowMs: number,
  isLeft: (path: string) => boolean = () => false,
): CompactionGroup[] {
  const partitions = Map.groupBy(files.values(), partitionKey);
  return Array.from(partitions.values()).flatMap((all) => {
    const smallBytesMax = options.fileBytesMax * SMALL_PART;
    const small = all.filter(({ path, size }) => size <= smallBytesMax && !isLeft(path));
    if (small.length < 2) return [];
    const latestMs = all.reduce((latest, { modificationTime }) => Math.max(latest, modificationTime), 0);
    const isClosed = nowMs - latestMs >= options.quietMs;
    const alike = isClosed ? [small] : likeSized(small).filter(({ length }) => length >= options.openFilesMin);
    return alike.flatMap((some) => packed(some, options.fileBytesMax));
  });
}

/** A partition as a key for maps. */
function partitionKey({ partitionValues }: Pick<AddFile, "partitionValues">): string {
  return JSON.stringify(Object.entries(partitionValues).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Larger files would be written anew for little: a full one need not be full to the last byte. */
const SMALL_PART = 3 / 4;

/** Sizes within a factor of 2^4 are alike. */
const LIKE_SIZE_BITS = 4;

function likeSized(files: readonly AddFile[]): AddFile[][] {
  return [...Map.groupBy(files, ({ size }) => Math.floor(Math.log2(Math.max(1, size)) / LIKE_SIZE_BITS)).values()];
}

/** In the order of their rows, so that readers who look for a time open few files. */
function packed(files: readonly AddFile[], bytesMax: number): CompactionGroup[] {
  const groups: AddFile[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const { file } of byFirstRow(files)) {
    if (bytes + file.size > bytesMax) {
      groups.push([]);
      bytes = 0;
    }
    groups.at(-1)!.push(file);
    bytes += file.size;
  }
  return groups.flatMap((group) =>
    group.length < 2 ? [] : { partitionValues: group[0]!.partitionValues, files: group },
  );
}

function byFirstRow(files: readonly AddFile[]) {
  const placed = files.map((file) => {
    const first = statisticsOf(file).minValues?.ingested_at;
    return { file, first: typeof first === "string" ? first : "" };
  });
  return placed.sort(
    (a, b) =>
      (a.first < b.first ? -1 : a.first > b.first ? 1 : 0) ||
      a.file.modificationTime - b.file.modificationTime ||
      (a.file.path < b.file.path ? -1 : 1),
  );
}
