import {
  Bool,
  type Data,
  type DataType,
  DateDay,
  Field,
  Float32,
  Int32,
  Int64,
  List,
  Map_,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Table,
  TimestampMicrosecond,
  Utf8,
} from "apache-arrow";
import { joinVectors } from "./join-vectors.ts";

/**
 * Arrow columns from plain values, laid out directly in typed arrays: Arrow's own builders go value by value and are
 * several times slower on vectors. Every column is nullable; names of nested fields are those that Parquet's
 * specification prescribes (`element`, `key`, `value`), which parquet-mr and Spark insist on.
 */
export type Column = Data<DataType>;

/** Named columns of equal length as a table of one batch. */
export function arrowTable(columns: Readonly<Record<string, Column>>): Table {
  const fields = Object.entries(columns).map(([name, { type }]) => new Field(name, type, true));
  const children = Object.values(columns);
  const length = children[0]?.length ?? 0;
  const schema = new Schema(fields);
  return new Table([new RecordBatch(schema, makeData({ type: new Struct(fields), length, nullCount: 0, children }))]);
}

export function utf8Column(values: readonly (string | null | undefined)[]): Column {
  const texts = values.map((value) => (value ?? "").toWellFormed());
  const valueOffsets = offsetsOf(texts, (text) => Buffer.byteLength(text));
  return makeData({ type: new Utf8(), ...shapeOf(values), valueOffsets, data: Buffer.from(texts.join("")) });
}

export function int32Column(values: readonly (number | null | undefined)[]): Column {
  return makeData({ type: new Int32(), ...shapeOf(values), data: Int32Array.from(values, (value) => value ?? 0) });
}

export function float32Column(values: readonly (number | null | undefined)[]): Column {
  return makeData({ type: new Float32(), ...shapeOf(values), data: Float32Array.from(values, (value) => value ?? 0) });
}

/** Values are safe integers. */
export function int64Column(values: readonly (number | null | undefined)[]): Column {
  const data = BigInt64Array.from(values, (value) => BigInt(value ?? 0));
  return makeData({ type: new Int64(), ...shapeOf(values), data });
}

export function boolColumn(values: readonly (boolean | null | undefined)[]): Column {
  return makeData({ type: new Bool(), ...shapeOf(values), data: bitmapOf(values, (value) => value === true) });
}

/** Values are whole milliseconds since the Unix epoch; stored as microseconds, UTC. */
export function timestampColumn(valuesMs: readonly (number | null | undefined)[]): Column {
  const data = BigInt64Array.from(valuesMs, (valueMs) => BigInt(valueMs ?? 0) * 1000n);
  return makeData({ type: new TimestampMicrosecond("UTC"), ...shapeOf(valuesMs), data });
}

/** Values are days since the Unix epoch. */
export function dateColumn(days: readonly (number | null | undefined)[]): Column {
  return makeData({ type: new DateDay(), ...shapeOf(days), data: Int32Array.from(days, (day) => day ?? 0) });
}

/** The vectors one after another in a single array; their lengths may differ. */
export function float32ListColumn(vectors: readonly (Float32Array | null | undefined)[]): Column {
  const valueOffsets = offsetsOf(vectors, (vector) => vector?.length ?? 0);
  const data = joinVectors(vectors.filter((vector) => vector !== null && vector !== undefined));
  return listOf(vectors, valueOffsets, makeData({ type: new Float32(), length: data.length, nullCount: 0, data }));
}

/** Lists whose elements, all lists' in a row, become the child column. */
export function listColumn<T>(
  lists: readonly (readonly T[] | null | undefined)[],
  childColumn: (elements: readonly T[]) => Column,
): Column {
  const valueOffsets = offsetsOf(lists, (list) => list?.length ?? 0);
  return listOf(lists, valueOffsets, childColumn(lists.flatMap((list) => list ?? [])));
}

/** Structs with the given children, each a column of as many values. */
export function structColumn(values: readonly unknown[], children: Readonly<Record<string, Column>>): Column {
  const fields = Object.entries(children).map(([name, { type }]) => new Field(name, type, true));
  return makeData({ type: new Struct(fields), ...shapeOf(values), children: Object.values(children) });
}

/** Maps from string to string or null. */
export function mapColumn(values: readonly (Readonly<Record<string, string | null>> | null | undefined)[]): Column {
  const valueOffsets = offsetsOf(values, (value) => Object.keys(value ?? {}).length);
  const entries = values.flatMap((value) => Object.entries(value ?? {}));
  const key = utf8Column(entries.map(([name]) => name));
  const value = utf8Column(entries.map(([, text]) => text));
  const entry = new Struct([new Field("key", key.type, false), new Field("value", value.type, true)]);
  const child = makeData({ type: entry, length: entries.length, nullCount: 0, children: [key, value] });
  const type = new Map_(new Field("key_value", entry, false) as never);
  return makeData({ type, ...shapeOf(values), valueOffsets, child: child as never });
}

function listOf(values: readonly unknown[], valueOffsets: Int32Array, child: Column): Column {
  return makeData({ type: new List(new Field("element", child.type, true)), ...shapeOf(values), valueOffsets, child });
}

/** Arrow's offsets: where each value begins in the child's values, and the end of the last. */
function offsetsOf<T>(values: readonly T[], lengthOf: (value: T) => number): Int32Array {
  const offsets = new Int32Array(values.length + 1);
  values.forEach((value, index) => {
    offsets[index + 1] = offsets[index]! + lengthOf(value);
  });
  return offsets;
}

function shapeOf(values: readonly unknown[]): { length: number; nullCount: number; nullBitmap: Uint8Array } {
  const isPresent = (value: unknown) => value !== null && value !== undefined;
  const nullCount = values.reduce<number>((count, value) => count + (isPresent(value) ? 0 : 1), 0);
  return { length: values.length, nullCount, nullBitmap: bitmapOf(values, isPresent) };
}

/** One bit a value, the first in the lowest bit. */
function bitmapOf<T>(values: readonly T[], isSet: (value: T) => boolean): Uint8Array {
  const bitmap = new Uint8Array((values.length + 7) >> 3);
  values.forEach((value, index) => {
    if (isSet(value)) bitmap[index >> 3]! |= 1 << (index & 7);
  });
  return bitmap;
}
