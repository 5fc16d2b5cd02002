import type { TopLevelSpec } from "vega-lite";
import type { Summary } from "../measure/statistics.ts";

/** What one bench has found. Tables hold numbers, not text, so that programs can read them too. */
export interface BenchReport {
  /** What was timed, from which event to which, on what. */
  readonly method: string;
  readonly tables: readonly FigureTable[];
  readonly plots: readonly Plot[];
  /** Sentences on what was seen, or why something is missing. */
  readonly notes: readonly string[];
}

export interface FigureTable {
  readonly caption: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

/** A name, one number, or the rounds of a measurement; undefined where there is nothing to say. */
export type Cell = string | number | Summary | undefined;

export interface Plot {
  /** The file's name, without its suffix. */
  readonly name: string;
  readonly caption: string;
  readonly spec: TopLevelSpec;
}
