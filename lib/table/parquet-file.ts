import { type Data, DataType, type RecordBatch, type Table, tableFromIPC, tableToIPC, type Vector } from "apache-arrow";
import {
  Compression,
  EnabledStatistics,
  readParquet,
  transformParquetStream,
  Table as WasmTable,
  type WriterProperties,
  WriterPropertiesBuilder,
  writeParquet,
} from "parquet-wasm";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { arrowTable, type Column } from "./arrow-columns.ts";
import { PHOTO_COLUMNS, type PhotoColumn } from "./photo-columns.ts";
import type { PhotoRow } from "./photo-row.ts";

/**
 * Rows as a Parquet file: ZSTD, statistics a row group. Blocks the thread for about 0.1 ms a row of 1280 floats and
 * needs some five times the vectors' bytes while it runs, so the caller bounds the number of rows.
 */
export function encodeRows(rows: readonly PhotoRow[], columns: readonly PhotoColumn[] = PHOTO_COLUMNS): Uint8Array {
  const encoded = columns.map(({ name, encode }) => [name, encode(rows)] as const);
  const scalars = columns.filter(({ scalar }) => scalar !== undefined).map(({ name }) => name);
  return encodeColumns(Object.fromEntries(encoded), scalars);
}

/**
 * Columns of equal length as a Parquet file. Only the columns named are dictionary-encoded: for vectors a dictionary
 * would be built in vain, since hardly two of their floats are equal.
 */
export function encodeColumns(
  columns: Readonly<Record<string, Column>>,
  dictionaryColumns: readonly string[],
): Uint8Array {
  // The writer takes both handles over and frees their memory, whether it succeeds or throws.
  return writeParquet(wasmTable(columns), writerProperties(dictionaryColumns));
}

/**
 * Batches of the same columns as one Parquet file, as `encodeColumns` writes it. Batches are taken one by one and gather
 * in row groups, however small they are; in memory are the file so far, one row group and one batch.
 *
 * @returns the file; undefined when no batch has a row.
 * @throws what `batches` throws; invalid-table when a batch has other columns than the first.
 */
export async function encodeBatches(
  batches: AsyncIterator<Readonly<Record<string, Column>>>,
  dictionaryColumns: readonly string[],
): Promise<Uint8Array | undefined> {
  let failure: { readonly error: unknown } | undefined;
  let rows = 0;
  const source = new ReadableStream({
    async pull(controller) {
      try {
        const next = await batches.next();
        if (next.done) return controller.close();
        const table = wasmTable(next.value);
        for (const batch of table.recordBatches()) {
          rows += batch.numRows;
          controller.enqueue(batch);
        }
        table.free();
      } catch (error) {
        // The writer can't take errors over: what it has written by then is thrown away below.
        failure = { error };
        controller.close();
      }
    },
  });
  const chunks: Uint8Array[] = [];
  try {
    const encoded = await transformParquetStream(source, writerProperties(dictionaryColumns));
    for await (const chunk of encoded as ReadableStream<Uint8Array>) chunks.push(chunk);
  } catch (cause) {
    // A stream without a single batch has no columns, which the writer does not understand.
    if (failure === undefined && rows === 0) return undefined;
    const reason = `rows can't be written as one Parquet file: ${String(cause)}`;
    failure ??= { error: new FruitstreamError("invalid-table", reason, { cause }) };
  }
  if (failure) throw failure.error;
  return rows === 0 ? undefined : Buffer.concat(chunks);
}

function wasmTable(columns: Readonly<Record<string, Column>>): WasmTable {
  return WasmTable.fromIPCStream(tableToIPC(arrowTable(columns), "stream"));
}

function writerProperties(dictionaryColumns: readonly string[]): WriterProperties {
  let properties = new WriterPropertiesBuilder()
    .setCompression(Compression.ZSTD)
    .setCreatedBy("fruitstream")
    .setMaxRowGroupSize(ROW_GROUP_ROWS_MAX)
    .setStatisticsEnabled(EnabledStatistics.Chunk)
    .setDictionaryEnabled(false);
  for (const name of dictionaryColumns) properties = properties.setColumnDictionaryEnabled(name, true);
  return properties.build();
}

/** 21 MB of 1280 floats: what a reader holds at once to read one column of a row group. */
const ROW_GROUP_ROWS_MAX = 4096;

/**
 * The `features` column of a file: a vector a row, or undefined where a row has none, or one with a value that is null.
 * The vectors share memory.
 *
 * @throws invalid-table when the bytes are no such Parquet file.
 */
export function decodeFeatures(bytes: Uint8Array): (Float32Array | undefined)[] {
  return requireColumn(decode(bytes), "features").data.flatMap((chunk) => {
    if (chunk.length === 0) return [];
    const floats = chunk.children[0]!;
    const values = floats.values instanceof Float32Array ? floats.values : Float32Array.from(floats.values);
    return Array.from({ length: chunk.length }, (_, row) => {
      const [start, end] = [chunk.valueOffsets[row]!, chunk.valueOffsets[row + 1]!];
      const isWhole = chunk.getValid(row) && (floats.nullCount === 0 || allValid(floats, start, end));
      return isWhole ? values.subarray(start, end) : undefined;
    });
  });
}

function allValid(data: Data, start: number, end: number): boolean {
  for (let index = start; index < end; index++) if (!data.getValid(index)) return false;
  return true;
}

/**
 * Rows as plain objects, by the file's column names: integers as numbers, timestamps as Dates, dates as YYYY-MM-DD, lists
 * of floats as Float32Array, other lists as arrays, structs and maps as objects. For showing rows and for checkpoints.
 *
 * @param columns what the objects are to have; without it, all that the file has, and `addedLater`.
 * @param addedLater columns that the file may be too old to have, which are null then.
 * @throws invalid-table when the bytes are no Parquet file, or one without such a column.
 */
export function decodeRows(
  bytes: Uint8Array,
  columns?: readonly string[],
  addedLater: readonly string[] = [],
): Record<string, unknown>[] {
  const table = decode(bytes);
  const names = columns ?? [...new Set([...table.schema.names.map(String), ...addedLater])];
  const vectors = names.map((name) => {
    const isNull = addedLater.includes(name) && table.getChild(name) === null;
    return { name, vector: isNull ? undefined : requireColumn(table, name) };
  });
  return Array.from({ length: table.numRows }, (_, row) =>
    Object.fromEntries(
      vectors.map(({ name, vector }) => [name, vector ? plainValue(vector.type, vector.get(row)) : null]),
    ),
  );
}

/**
 * All rows and columns of a file, in batches of at most a row group of ours: of more only the encoded bytes are held.
 *
 * @throws invalid-table when the bytes are no Parquet file.
 */
export function* decodeBatches(bytes: Uint8Array): Generator<RecordBatch, void, undefined> {
  for (let offset = 0; ; offset += ROW_GROUP_ROWS_MAX) {
    const { batches, numRows } = decode(bytes, { offset, limit: ROW_GROUP_ROWS_MAX });
    for (const batch of batches) if (batch.numRows > 0) yield batch;
    if (numRows < ROW_GROUP_ROWS_MAX) return;
  }
}

/**
 * Reads all columns: parquet-wasm 0.8.0 knows projections only in its asynchronous reader, whose panics over damaged
 * bytes can't be caught. Those of this one can, and leave the module usable.
 */
function decode(bytes: Uint8Array, rows: { readonly offset?: number; readonly limit?: number } = {}): Table {
  try {
    return tableFromIPC(readParquet(bytes, { batchSize: DECODE_BATCH_ROWS, ...rows }).intoIPCStream());
  } catch (cause) {
    const reason = `${bytes.byteLength} bytes can't be read as Parquet: ${String(cause)}`;
    throw new FruitstreamError("invalid-table", reason, { cause });
  }
}

function requireColumn(table: Table, name: string): Vector {
  const vector = table.getChild(name);
  if (vector !== null) return vector;
  const names = table.schema.names.join(", ");
  throw new FruitstreamError("invalid-table", `a Parquet file must have the column "${name}", got ${names}`);
}

/** Large, since every batch costs a copy of its own. */
const DECODE_BATCH_ROWS = 16_384;

function plainValue(type: DataType, value: unknown): unknown {
  if (value === null || value === undefined) return null;
  if (DataType.isTimestamp(type)) return new Date(value as number);
  if (DataType.isDate(type)) return new Date(value as number).toISOString().slice(0, 10);
  if (DataType.isList(type)) {
    const vector = value as Vector;
    if (DataType.isFloat(type.valueType)) return Float32Array.from(vector.toArray());
    return Array.from(vector, (element) => plainValue(type.valueType, element));
  }
  if (DataType.isMap(type)) return Object.fromEntries(value as Iterable<[string, unknown]>);
  if (DataType.isStruct(type)) {
    const struct = value as Record<string, unknown>;
    return Object.fromEntries(type.children.map((child) => [child.name, plainValue(child.type, struct[child.name])]));
  }
  return typeof value === "bigint" ? Number(value) : value;
}
