import { type DeltaType, PHOTO_COLUMNS, type PhotoColumn } from "../photo-columns.ts";
import type { PhotoRow } from "../photo-row.ts";

/**
 * A file's `stats` as the Delta protocol asks: the number of records, and of every scalar column the nulls and a lower
 * and an upper bound. Bounds of numbers and times are exact; those of strings are cut to a prefix of at most
 * STRING_BOUND_CODE_POINTS_MAX code points and hold in the order of UTF-8 bytes, in which readers compare.
 *
 * @param indexedColumnsMax of so many leading columns, nested ones counted in.
 */
export function columnStatistics(
  rows: readonly PhotoRow[],
  columns: readonly PhotoColumn[] = PHOTO_COLUMNS,
  indexedColumnsMax: number = Number.POSITIVE_INFINITY,
): string {
  const scalars = columns
    .slice(0, indexedColumnsMax)
    .flatMap(({ name, type, scalar }) => (scalar ? { name, type, values: rows.map(scalar) } : []));
  return JSON.stringify(statisticsOfValues(rows.length, scalars));
}

/** A scalar column's values, one a row. Times are in milliseconds. */
export interface ScalarValues {
  readonly name: string;
  readonly type: DeltaType;
  readonly values: readonly (string | number | null)[];
}

/** The statistics of rows by their scalar columns, as `columnStatistics` has them. */
export function statisticsOfValues(numRecords: number, columns: readonly ScalarValues[]): KnownStatistics {
  const minValues: Record<string, string | number> = {};
  const maxValues: Record<string, string | number> = {};
  const nullCount: Record<string, number> = {};
  for (const { name, type, values } of columns) {
    const present = values.filter((value) => value !== null);
    nullCount[name] = numRecords - present.length;
    const { min, max } = boundsOf(present);
    if (min !== undefined) minValues[name] = type === "timestamp" ? isoTime(min) : min;
    if (max !== undefined) maxValues[name] = type === "timestamp" ? isoTime(max) : max;
  }
  return { numRecords, minValues, maxValues, nullCount };
}

/** Statistics that were made here. */
export interface KnownStatistics {
  readonly numRecords: number;
  readonly minValues: Readonly<Record<string, string | number>>;
  readonly maxValues: Readonly<Record<string, string | number>>;
  readonly nullCount: Readonly<Record<string, number>>;
}

/** The statistics of all rows of two sets together. A bound that one of them has none of is unknown. */
export function mergeStatistics(a: KnownStatistics, b: KnownStatistics): KnownStatistics {
  const bound = (kind: "minValues" | "maxValues", sign: 1 | -1) => {
    const merged: Record<string, string | number> = {};
    for (const name of Object.keys({ ...a[kind], ...b[kind] })) {
      const known = [a, b].filter(({ numRecords, nullCount }) => numRecords > (nullCount[name] ?? 0));
      const bounds = known.map((each) => each[kind][name]);
      if (bounds.some((value) => value === undefined)) continue;
      merged[name] = (bounds as (string | number)[]).reduce((x, y) => (sign * compareScalars(x, y) <= 0 ? x : y));
    }
    return merged;
  };
  const nullCount: Record<string, number> = {};
  for (const name of Object.keys({ ...a.nullCount, ...b.nullCount })) {
    nullCount[name] = (a.nullCount[name] ?? a.numRecords) + (b.nullCount[name] ?? b.numRecords);
  }
  const numRecords = a.numRecords + b.numRecords;
  return { numRecords, minValues: bound("minValues", 1), maxValues: bound("maxValues", -1), nullCount };
}

/** Times are texts of one length here, and texts of four-digit years are in their order. */
function compareScalars(a: string | number, b: string | number): number {
  return typeof a === "number" && typeof b === "number" ? a - b : compareUtf8(String(a), String(b));
}

/** What a file's writer has kept of its rows and columns, of which nothing is known but its names. */
interface FileStatistics {
  readonly numRecords?: unknown;
  readonly minValues?: Readonly<Record<string, unknown>>;
  readonly maxValues?: Readonly<Record<string, unknown>>;
  readonly nullCount?: Readonly<Record<string, unknown>>;
}

/** A file's `stats`; empty when its writer kept none. */
export function statisticsOf({ stats }: { readonly stats?: string | null | undefined }): FileStatistics {
  return (stats ? JSON.parse(stats) : undefined) ?? {};
}

/** The number of rows that a file's `stats` names, or undefined when its writer kept none. */
export function recordCountOf(file: { readonly stats?: string | null | undefined }): number | undefined {
  const { numRecords } = statisticsOf(file);
  return typeof numRecords === "number" ? numRecords : undefined;
}

/** 32, as Spark has it: enough to tell folders of a bucket apart, short enough for a log with many files. */
export const STRING_BOUND_CODE_POINTS_MAX = 32;

function boundsOf(values: readonly (string | number)[]): { min?: string | number; max?: string | number } {
  if (values.length === 0) return {};
  if (typeof values[0] === "string") return stringBounds(values as readonly string[]);
  const numbers = values as readonly number[];
  return { min: numbers.reduce((a, b) => Math.min(a, b)), max: numbers.reduce((a, b) => Math.max(a, b)) };
}

function stringBounds(values: readonly string[]): { min?: string; max?: string } {
  // Lone surrogates are replaced as they are in the file, where they can't be written as UTF-8.
  const texts = values.map((value) => value.toWellFormed());
  const min = texts.reduce((a, b) => (compareUtf8(b, a) < 0 ? b : a));
  const max = upperBound(texts.reduce((a, b) => (compareUtf8(b, a) > 0 ? b : a)));
  return { min: prefixOf(min).join(""), ...(max === undefined ? {} : { max }) };
}

/** The order of UTF-8 bytes is that of code points; JavaScript's own order is not, beyond U+FFFF. */
function compareUtf8(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function prefixOf(value: string): string[] {
  // A code point has at most two UTF-16 units: the slice bounds the work on long strings.
  return Array.from(value.slice(0, 2 * STRING_BOUND_CODE_POINTS_MAX)).slice(0, STRING_BOUND_CODE_POINTS_MAX);
}

/** The value itself when short; else the least prefix above all strings that begin like it; undefined when there is none. */
function upperBound(value: string): string | undefined {
  const prefix = prefixOf(value);
  if (prefix.join("").length === value.length) return value;
  while (prefix.length > 0) {
    const next = nextCodePoint(prefix.pop()!.codePointAt(0)!);
    if (next !== undefined) return prefix.join("") + String.fromCodePoint(next);
  }
  return undefined;
}

function nextCodePoint(codePoint: number): number | undefined {
  if (codePoint === 0x10ffff) return undefined;
  return codePoint === 0xd7ff ? 0xe000 : codePoint + 1;
}

function isoTime(timeMs: string | number): string {
  return new Date(timeMs).toISOString();
}
