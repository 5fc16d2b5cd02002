import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib";
import {
  type AsyncBuffer,
  type Compressors,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
} from "hyparquet";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { AddFile } from "./delta/actions.ts";
import { readRows } from "./table-files.ts";
import { formatTableUri, type TableAccess, tableObject } from "./table-location.ts";

/** Of a file that is not larger all is read at once: two requests would take longer. */
const WHOLE_BYTES_MAX = 256 * 1_024;
/** Enough for the footer of some hundred row groups. */
const FOOTER_BYTES = 64 * 1_024;

/** What Spark, delta-rs, DuckDB and we compress with; the reader itself brings Snappy. */
const DECOMPRESSORS: Compressors = {
  ZSTD: (bytes) => zstdDecompressSync(bytes),
  GZIP: (bytes) => gunzipSync(bytes),
  BROTLI: (bytes) => brotliDecompressSync(bytes),
};
const CODECS = new Set(["UNCOMPRESSED", "SNAPPY", ...Object.keys(DECOMPRESSORS)]);

/** A data file of the table as its footer describes it. */
export interface ColumnFile {
  readonly rows: number;
  /** Of all columns that it has, those of nested ones included. */
  readonly names: ReadonlySet<string>;
  /** As `readColumns`. */
  read(columns: readonly string[]): AsyncGenerator<Record<string, unknown>[], void, undefined>;
}

/**
 * Scalar columns of one of the table's data files, a row group at a time as rows: texts as strings, integers as numbers,
 * timestamps as Dates. Of a large file only what these columns take is transferred and held; one that is compressed in
 * another way is read as a whole.
 *
 * @throws not-found when there is no such file; invalid-table when it is no Parquet file, or has no such column.
 */
export async function* readColumns(
  access: TableAccess,
  file: AddFile,
  columns: readonly string[],
): AsyncGenerator<Record<string, unknown>[], void, undefined> {
  yield* (await openColumnFile(access, file)).read(columns);
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
    read: async function* (columns) {
      if (!isReadable(metadata)) return yield await readRows(access, file, columns);
      requireColumns(access, file, names, columns);
      yield* readRowGroups(access, file, { file: buffer, metadata }, columns);
    },
  };
}

async function* readRowGroups(
  access: TableAccess,
  file: AddFile,
  opened: { readonly file: AsyncBuffer; readonly metadata: FileMetaData },
  columns: readonly string[],
): AsyncGenerator<Record<string, unknown>[], void, undefined> {
  let rowStart = 0;
  for (const { num_rows } of opened.metadata.row_groups) {
    const rowEnd = rowStart + Number(num_rows);
    const options = { ...opened, columns: [...columns], compressors: DECOMPRESSORS, rowStart, rowEnd };
    const rows = await asParquet(access, file, () => parquetReadObjects(options));
    yield rows.map((row) => Object.fromEntries(columns.map((name) => [name, plainScalar(row[name])])));
    rowStart = rowEnd;
  }
}

async function openFile({ store, location }: TableAccess, { path, size }: AddFile): Promise<AsyncBuffer> {
  const object = tableObject(location, path);
  if (size > WHOLE_BYTES_MAX) {
    return {
      byteLength: size,
      slice: async (start, end = size) => exactBuffer(await store.getRange(object, { start, end })),
    };
  }
  const bytes = exactBuffer((await store.get(object, { bytesMax: size })).bytes);
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

function plainScalar(value: unknown): unknown {
  return typeof value === "bigint" ? Number(value) : (value ?? null);
}
