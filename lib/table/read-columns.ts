import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib";
import {
  type AsyncBuffer,
  type Compressors,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
  type RowGroup,
} from "hyparquet";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { decompressSnappyBlock } from "#lib/runtime/snappy.ts";
import type { AddFile } from "./delta/actions.ts";
import { readDataFile, readRows } from "./table-files.ts";
import { formatTableUri, type TableAccess, tableObject } from "./table-location.ts";

/** Of a file that is not larger all is read at once: two requests would take longer. */
const WHOLE_BYTES_MAX = 256 * 1_024;
/** Enough for the footer of some hundred row groups. */
const FOOTER_BYTES = 64 * 1_024;

/** What Spark, delta-rs, DuckDB and we compress with. The reader's own Snappy can be had to run for ever. */
const DECOMPRESSORS: Compressors = {
  SNAPPY: (bytes, length) =>
    decompressSnappyBlock(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), length),
  ZSTD: (bytes) => zstdDecompressSync(bytes),
  GZIP: (bytes) => gunzipSync(bytes),
  BROTLI: (bytes) => brotliDecompressSync(bytes),
};
const CODECS = new Set(["UNCOMPRESSED", ...Object.keys(DECOMPRESSORS)]);

/** A data file of the table as its footer describes it. */
export interface ColumnFile {
  readonly rows: number;
  /** Of all columns that it has, those of nested ones included. */
  readonly names: ReadonlySet<string>;
  /** As `readColumns`. */
  read(
    columns: readonly string[],
    options?: ReadColumnsOptions,
  ): AsyncGenerator<Record<string, unknown>[], void, undefined>;
  /** The parts of the row groups that a column takes; none where it has no such column. */
  chunksOf(column: string): ColumnChunk[];
}

/** The part of a row group that one column takes. */
export interface ColumnChunk {
  readonly rows: number;
  /** Of a list: those of all lists together, where one without any counts as one. */
  readonly values: number;
  /** Undefined where the writer has not counted them. */
  readonly nulls: number | undefined;
  readonly bytes: number;
  /** Whether it says where its pages begin. */
  readonly isIndexed: boolean;
}

interface ReadColumnsOptions {
  /**
   * The most rows to decode at a time; a row group's without it. Where a file says where its pages begin, no more than the
   * pages with these rows are transferred and held.
   */
  readonly rowsMax?: number;
}

/**
 * Columns of one of the table's data files, a row group at a time as rows: texts as strings, numbers as numbers, timestamps
 * as Dates, vectors as arrays. Of a large file only what these columns take is transferred and held; one that is compressed
 * in another way is read as a whole.
 *
 * @throws not-found when there is no such file; invalid-table when it is no Parquet file, or has no such column.
 */
export async function* readColumns(
  access: TableAccess,
  file: AddFile,
  columns: readonly string[],
  options: ReadColumnsOptions = {},
): AsyncGenerator<Record<string, unknown>[], void, undefined> {
  yield* (await openColumnFile(access, file)).read(columns, options);
}

/** Reads a file's footer. @throws as `readColumns`. */
export async function openColumnFile(access: TableAccess, file: AddFile): Promise<ColumnFile> {
  const buffer = await openFile(access, file);
  const metadata = await asParquet(access, file, () =>
    parquetMetadataAsync(buffer, { initialFetchSize: FOOTER_BYTES, geoparquet: false }),
  );
  const names = new Set(metadata.schema.map(({ name }) => name));
  return {
    rows: Number(metadata.num_rows),
    names,
    read: async function* (columns, { rowsMax = Number.POSITIVE_INFINITY } = {}) {
      if (!isReadable(metadata)) return yield await readRows(access, file, columns);
      requireColumns(access, file, names, columns);
      yield* readRowGroups(access, file, { file: buffer, metadata }, columns, rowsMax);
    },
    chunksOf: (column) =>
      metadata.row_groups.flatMap((group) => chunksOf(group, [column]).map((chunk) => describe(group, chunk))),
  };
}

async function* readRowGroups(
  access: TableAccess,
  file: AddFile,
  opened: { readonly file: AsyncBuffer; readonly metadata: FileMetaData },
  columns: readonly string[],
  rowsMax: number,
): AsyncGenerator<Record<string, unknown>[], void, undefined> {
  let groupStart = 0;
  for (const group of opened.metadata.row_groups) {
    const groupEnd = groupStart + Number(group.num_rows);
    // Without an index all pages would be read for each of the steps.
    const stepRows = chunksOf(group, columns).every(hasPageIndex) ? rowsMax : Number.POSITIVE_INFINITY;
    for (let rowStart = groupStart; rowStart < groupEnd; rowStart += stepRows) {
      const range = { rowStart, rowEnd: Math.min(groupEnd, rowStart + stepRows), useOffsetIndex: true };
      const options = { ...opened, columns: [...columns], compressors: DECOMPRESSORS, ...range };
      const rows = await asParquet(access, file, () => parquetReadObjects(options));
      yield rows.map((row) => Object.fromEntries(columns.map((name) => [name, plainValue(row[name])])));
    }
    groupStart = groupEnd;
  }
}

function describe({ num_rows }: RowGroup, chunk: RowGroup["columns"][number]): ColumnChunk {
  const { num_values, total_compressed_size, statistics } = chunk.meta_data!;
  return {
    rows: Number(num_rows),
    values: Number(num_values),
    nulls: statistics?.null_count === undefined ? undefined : Number(statistics.null_count),
    bytes: Number(total_compressed_size),
    isIndexed: hasPageIndex(chunk),
  };
}

function chunksOf({ columns }: RowGroup, names: readonly string[]) {
  return columns.filter(({ meta_data }) => names.includes(meta_data?.path_in_schema[0] ?? ""));
}

function hasPageIndex({ offset_index_offset, offset_index_length }: RowGroup["columns"][number]): boolean {
  return Boolean(offset_index_offset && offset_index_length);
}

async function openFile(access: TableAccess, file: AddFile): Promise<AsyncBuffer> {
  const { size } = file;
  if (size > WHOLE_BYTES_MAX) {
    const object = tableObject(access.location, file.path);
    return {
      byteLength: size,
      slice: async (start, end = size) => exactBuffer(await access.store.getRange(object, { start, end })),
    };
  }
  const bytes = exactBuffer(await readDataFile(access, file));
  return { byteLength: size, slice: (start, end) => bytes.slice(start, end) };
}

function exactBuffer({ buffer, byteOffset, byteLength }: Uint8Array): ArrayBuffer {
  return buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
}

function isReadable({ row_groups }: FileMetaData): boolean {
  return row_groups.every((group) => group.columns.every(({ meta_data }) => meta_data && CODECS.has(meta_data.codec)));
}

function requireColumns(
  access: TableAccess,
  file: AddFile,
  names: ReadonlySet<string>,
  columns: readonly string[],
): void {
  const missing = columns.find((name) => !names.has(name));
  if (missing === undefined) return;
  throw new FruitstreamError("invalid-table", `${uriOf(access, file)} must have the column "${missing}", got none`);
}

async function asParquet<Result>(access: TableAccess, file: AddFile, read: () => Promise<Result>): Promise<Result> {
  try {
    return await read();
  } catch (cause) {
    if (cause instanceof FruitstreamError) throw cause;
    const problem = `${uriOf(access, file)} can't be read as Parquet: ${String(cause)}`;
    throw new FruitstreamError("invalid-table", problem, { cause });
  }
}

function uriOf({ location }: TableAccess, { path }: AddFile): string {
  return `${formatTableUri(location)}/${path}`;
}

function plainValue(value: unknown): unknown {
  return typeof value === "bigint" ? Number(value) : (value ?? null);
}
