import { compareKeys } from "#lib/store/object-store.ts";
import { statisticsOf } from "../delta/column-statistics.ts";
import { PHOTO_COLUMNS } from "../photo-columns.ts";

/** The columns of which files keep statistics. */
export const SCALAR_COLUMNS: readonly string[] = PHOTO_COLUMNS.flatMap(({ name, scalar }) => (scalar ? name : []));

/** Holds a file's rows against its statistics, as they are read. */
export class StatisticsCheck {
  readonly #minValues: Readonly<Record<string, unknown>>;
  readonly #maxValues: Readonly<Record<string, unknown>>;
  readonly #nullCount: Readonly<Record<string, unknown>>;
  readonly #nulls = new Map<string, number>();
  readonly #columns: readonly string[];
  #problem: string | undefined;

  /** @param columns what the rows have; a column that the file lacks is null in all of them. */
  constructor(file: { readonly stats?: string | null | undefined }, columns: readonly string[]) {
    const { minValues, maxValues, nullCount } = statisticsOf(file);
    this.#minValues = minValues ?? {};
    this.#maxValues = maxValues ?? {};
    this.#nullCount = nullCount ?? {};
    this.#columns = columns;
  }

  /** Rows as `readColumns` gives them. */
  add(rows: readonly Record<string, unknown>[]): void {
    for (const name of this.#columns) for (const row of rows) this.#addValue(name, row[name]);
  }

  /** What the statistics say wrongly of the rows that were added, or undefined. */
  get problem(): string | undefined {
    return this.#problem ?? this.#nullProblem();
  }

  #addValue(name: string, value: unknown): void {
    if (value === null || value === undefined) {
      this.#nulls.set(name, (this.#nulls.get(name) ?? 0) + 1);
    } else if (this.#problem === undefined) {
      const [min, max] = [this.#minValues[name], this.#maxValues[name]];
      if (isBelow(value, min)) this.#problem = `"${name}" has ${textOf(value)}, below its minimum ${String(min)}`;
      else if (isAbove(value, max)) this.#problem = `"${name}" has ${textOf(value)}, above its maximum ${String(max)}`;
    }
  }

  #nullProblem(): string | undefined {
    for (const name of this.#columns) {
      const counted = this.#nullCount[name];
      const actual = this.#nulls.get(name) ?? 0;
      if (typeof counted === "number" && counted !== actual) return `"${name}" has ${actual} nulls, not ${counted}`;
    }
    return undefined;
  }
}

/** Bounds of another type than the value, or none, say nothing. Texts may be cut: a beginning is never above its text. */
function isBelow(value: unknown, min: unknown): boolean {
  if (typeof value === "string" && typeof min === "string") return compareKeys(value, min) < 0;
  if (value instanceof Date) return typeof min === "string" && value.getTime() < Date.parse(min);
  return typeof value === "number" && typeof min === "number" && value < min;
}

/** Writers cut times to milliseconds, and a longer text after 32 characters, which some of them do without rounding up. */
function isAbove(value: unknown, max: unknown): boolean {
  if (typeof value === "string" && typeof max === "string")
    return compareKeys(value, max) > 0 && !value.startsWith(max);
  if (value instanceof Date) return typeof max === "string" && value.getTime() > Date.parse(max);
  return typeof value === "number" && typeof max === "number" && value > max;
}

function textOf(value: unknown): string {
  return value instanceof Date ? value.toISOString() : JSON.stringify(value);
}
