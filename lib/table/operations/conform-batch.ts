import {
  Binary,
  Bool,
  type Data,
  DataType,
  DateDay,
  Float32,
  Float64,
  Int8,
  Int16,
  Int32,
  Int64,
  makeVector,
  type RecordBatch,
  TimestampMicrosecond,
  Utf8,
  vectorFromArray,
} from "apache-arrow";
import { z } from "zod";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { type Column, int32Column, int64Column, timestampColumn, utf8Column } from "../arrow-columns.ts";
import type { Metadata } from "../delta/actions.ts";
import type { DeltaType, PhotoColumn } from "../photo-columns.ts";

/** A column of a file that is to be written, by the name and the Arrow type that all its batches must have. */
export interface WantedColumn {
  readonly name: string;
  readonly type: DataType;
  readonly deltaType: DeltaType;
}

/**
 * The columns of a table's data files: ours, and those that other tools have added, which are kept.
 *
 * @throws invalid-table for a column of others whose type can't be copied here.
 */
export function wantedColumns(metadata: Metadata, columns: readonly PhotoColumn[]): WantedColumn[] {
  const ours = columns.map(({ name, type, encode }) => ({ name, type: encode([]).type, deltaType: type }));
  const known = new Set([...columns.map(({ name }) => name), ...metadata.partitionColumns]);
  const { fields } = schemaFields.parse(JSON.parse(metadata.schemaString));
  const theirs = fields.filter(({ name }) => !known.has(name));
  return [...ours, ...theirs.map(({ name, type }) => ({ name, type: copiedType(name, type), deltaType: type }))];
}

/**
 * A batch of any file of the table with exactly the wanted columns: those that it lacks are null, of those that are laid
 * out in another way the values are copied. Nothing is copied where the layouts agree.
 *
 * @throws invalid-table for a column whose values can't be taken over.
 */
export function conformBatch(batch: RecordBatch, wanted: readonly WantedColumn[]): Record<string, Column> {
  return Object.fromEntries(
    wanted.map((column) => {
      const [data] = batch.getChild(column.name)?.data ?? [];
      return [column.name, data === undefined ? nullColumn(column.type, batch.numRows) : conform(data, column)];
    }),
  );
}

const schemaFields = z.object({
  fields: z.array(z.object({ name: z.string(), type: z.custom<DeltaType>((type) => type != null) })),
});

/** Columns of other tools are copied as they are read, so their types need not be ours. */
const COPIED_TYPES: Readonly<Record<string, () => DataType>> = {
  string: () => new Utf8(),
  byte: () => new Int8(),
  short: () => new Int16(),
  integer: () => new Int32(),
  long: () => new Int64(),
  float: () => new Float32(),
  double: () => new Float64(),
  boolean: () => new Bool(),
  binary: () => new Binary(),
  date: () => new DateDay(),
  timestamp: () => new TimestampMicrosecond("UTC"),
};

function copiedType(name: string, type: DeltaType): DataType {
  const copied = typeof type === "string" ? COPIED_TYPES[type] : undefined;
  if (copied) return copied();
  const problem = `column "${name}" is of type ${JSON.stringify(type)}, which is not copied here`;
  throw new FruitstreamError("invalid-table", `${problem}; rewrite the table's files with the tool that added it`);
}

function nullColumn(type: DataType, length: number): Column {
  return vectorFromArray(
    Array.from({ length }, () => null),
    type,
  ).data[0]! as Column;
}

function conform(data: Data, { name, type, deltaType }: WantedColumn): Column {
  if (isSameLayout(data.type, type)) return retyped(data, type);
  const values = Array.from(makeVector(data));
  if (deltaType === "string") return utf8Column(values.map((value) => (value == null ? null : String(value))));
  if (deltaType === "integer") return int32Column(values.map(numberOf));
  if (deltaType === "long") return int64Column(values.map(numberOf));
  if (deltaType === "timestamp") {
    return timestampColumn(values.map((value) => (value == null ? null : Math.floor(Number(value)))));
  }
  const problem = `column "${name}" of a file must be ${type}, got ${data.type}`;
  throw new FruitstreamError("invalid-table", `${problem}; rewrite that file with the tool that wrote it`);
}

function numberOf(value: unknown): number | null {
  return value == null ? null : Number(value);
}

/** Whether columns of these types have the same bytes in memory; names of nested fields and what may be null aside. */
function isSameLayout(a: DataType, b: DataType): boolean {
  if (a.typeId !== b.typeId || a.children?.length !== b.children?.length) return false;
  if (DataType.isInt(a) && DataType.isInt(b) && (a.bitWidth !== b.bitWidth || a.isSigned !== b.isSigned)) return false;
  if (DataType.isFloat(a) && DataType.isFloat(b) && a.precision !== b.precision) return false;
  if (DataType.isTimestamp(a) && DataType.isTimestamp(b) && a.unit !== b.unit) return false;
  if (DataType.isDate(a) && DataType.isDate(b) && a.unit !== b.unit) return false;
  return (a.children ?? []).every(({ type }, index) => isSameLayout(type, b.children[index]!.type));
}

/** The same bytes under another type of the same layout, as the writer wants every batch to have the first one's. */
function retyped(data: Data, type: DataType): Column {
  const children = data.children.map((child, index) => retyped(child, type.children[index]!.type));
  return data.clone(type, data.offset, data.length, data.nullCount, data.buffers as never, children) as Column;
}
