import {
  type Column,
  dateColumn,
  int32Column,
  int64Column,
  structColumn,
  timestampColumn,
  utf8Column,
} from "../arrow-columns.ts";
import type { AddFile, Metadata } from "./actions.ts";
import { statisticsOf } from "./column-statistics.ts";

/**
 * A file's `stats` from what a checkpoint has of them as columns (`stats_parsed`), so that nothing else has to know that
 * there are two forms. Bounds that JSON or a number here can't hold exactly are left out, which readers allow for.
 */
export function statisticsFromStruct(struct: Readonly<Record<string, unknown>>): string {
  const { numRecords, minValues, maxValues, nullCount, tightBounds } = struct;
  return JSON.stringify({ numRecords, minValues, maxValues, nullCount, tightBounds }, (_, value: unknown) =>
    isExact(value) ? value : undefined,
  );
}

/** Decimals and bytes come as arrays; null says that there is no bound. Times are texts by now, by their `toJSON`. */
function isExact(value: unknown): boolean {
  if (typeof value === "number") return Number.isSafeInteger(value) || (Number.isFinite(value) && value % 1 !== 0);
  if (value === null || ArrayBuffer.isView(value) || Array.isArray(value)) return false;
  return true;
}

/**
 * The files' statistics and partition values as columns (`stats_parsed`, `partitionValues_parsed`), as
 * `delta.checkpoint.writeStatsAsStruct` asks: of the table's columns whose type is one of ours. A bound that is no value of
 * its column's type is null, which readers allow for.
 *
 * @param adds one a row of the checkpoint; undefined where a row is no file.
 */
export function structStatistics(
  adds: readonly (AddFile | null | undefined)[],
  { schemaString, partitionColumns }: Metadata,
): { readonly stats_parsed: Column; readonly partitionValues_parsed: Column } {
  const fields = encodedFields(schemaString);
  const inFiles = fields.filter(({ name }) => !partitionColumns.includes(name));
  const inFolders = fields.filter(({ name }) => partitionColumns.includes(name));
  const stats = adds.map((add) => (add?.stats ? statisticsOf(add) : undefined));
  const bounds = (kind: "minValues" | "maxValues") =>
    structColumn(
      stats,
      childrenOf(inFiles, (name) => stats.map((known) => known?.[kind]?.[name])),
    );
  const counts = inFiles.map(({ name }) => [
    name,
    int64Column(stats.map((known) => countOf(known?.nullCount?.[name]))),
  ]);
  return {
    stats_parsed: structColumn(stats, {
      numRecords: int64Column(stats.map((known) => countOf(known?.numRecords))),
      minValues: bounds("minValues"),
      maxValues: bounds("maxValues"),
      nullCount: structColumn(stats, Object.fromEntries(counts)),
    }),
    partitionValues_parsed: structColumn(
      adds,
      childrenOf(inFolders, (name) => adds.map((add) => add?.partitionValues[name])),
    ),
  };
}

interface EncodedField {
  readonly name: string;
  readonly encode: (values: readonly unknown[]) => Column;
}

const DAY_MS = 86_400_000;

/** Values as JSON and partition folders have them. */
const ENCODERS: Readonly<Record<string, EncodedField["encode"]>> = {
  string: (values) => utf8Column(values.map((value) => (typeof value === "string" ? value : null))),
  integer: (values) => int32Column(values.map(countOf)),
  long: (values) => int64Column(values.map(countOf)),
  date: (values) => dateColumn(values.map((value) => scaled(timeOf(value), DAY_MS))),
  timestamp: (values) => timestampColumn(values.map(timeOf)),
};

function encodedFields(schemaString: string): EncodedField[] {
  const { fields } = JSON.parse(schemaString) as { fields: { name: string; type: unknown }[] };
  return fields.flatMap(({ name, type }) => {
    const encode = typeof type === "string" && Object.hasOwn(ENCODERS, type) ? ENCODERS[type] : undefined;
    return encode ? [{ name, encode }] : [];
  });
}

function childrenOf(fields: readonly EncodedField[], valuesOf: (name: string) => unknown[]): Record<string, Column> {
  return Object.fromEntries(fields.map(({ name, encode }) => [name, encode(valuesOf(name))]));
}

function countOf(value: unknown): number | null {
  const count = typeof value === "string" && value !== "" ? Number(value) : value;
  return Number.isSafeInteger(count) ? (count as number) : null;
}

function timeOf(value: unknown): number | null {
  const timeMs = typeof value === "string" ? Date.parse(value) : Number.NaN;
  return Number.isNaN(timeMs) ? null : timeMs;
}

function scaled(value: number | null, unit: number): number | null {
  return value === null ? null : Math.floor(value / unit);
}
