import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { Metadata } from "./actions.ts";

/**
 * The properties of a table (https://docs.delta.io/latest/table-properties.html) that a writer, a maintainer or a log
 * cleaner of ours has to keep, with the protocol's defaults where a table says nothing. All others are ignored.
 */
export interface TableProperties {
  /** Rows may be rewritten, but neither deleted nor changed. */
  readonly isAppendOnly: boolean;
  /** A checkpoint is due whenever the version is a multiple of it. */
  readonly checkpointIntervalVersions: number;
  /** Whether the statistics of files stand in checkpoints as JSON (`stats`) and as columns (`stats_parsed`). */
  readonly hasJsonStatistics: boolean;
  readonly hasStructStatistics: boolean;
  /** How long commits and checkpoints must be kept after a newer checkpoint has made them superfluous. */
  readonly logRetentionMs: number;
  /** False: nobody is to clean the log up. */
  readonly mayCleanLog: boolean;
  /** How long a removed file must be kept, by its `deletionTimestamp`: readers of older versions need it. */
  readonly deletedFileRetentionMs: number;
  /** How many leading columns have statistics; Infinity where all are to have some. */
  readonly indexedColumnsMax: number;
  /** The log below this version may only go as a whole (table feature `checkpointProtection`); 0 where none is protected. */
  readonly protectedBelowVersion: number;
}

/** @throws invalid-table, by the property's name, when a value can't be understood. */
export function tablePropertiesOf({ configuration }: Pick<Metadata, "configuration">, tableUri: string) {
  const read = <T>(name: string, fallback: string, parse: (text: string) => T | undefined, wanted: string): T => {
    const text = propertyOf(configuration, name) ?? fallback;
    const value = parse(text);
    if (value !== undefined) return value;
    const statement = `ALTER TABLE delta.\`${tableUri}\` SET TBLPROPERTIES ('${name}' = '${fallback}')`;
    throw new FruitstreamError("invalid-table", `${name} must be ${wanted}, got "${text}"; mend it by ${statement}`);
  };
  const flag = (name: string, fallback: string) => read(name, fallback, parseFlag, "true or false");
  const interval = (name: string, fallback: string) => read(name, fallback, parseIntervalMs, INTERVAL_WANTED);
  const count = (name: string, fallback: string, min: number) =>
    read(name, fallback, (text) => parseCount(text, min), `a whole number of ${min} or more`);
  const indexedColumns = count("delta.dataSkippingNumIndexedCols", "32", -1);
  const properties: TableProperties = {
    isAppendOnly: flag("delta.appendOnly", "false"),
    checkpointIntervalVersions: count("delta.checkpointInterval", "10", 1),
    hasJsonStatistics: flag("delta.checkpoint.writeStatsAsJson", "true"),
    hasStructStatistics: flag("delta.checkpoint.writeStatsAsStruct", "false"),
    logRetentionMs: interval("delta.logRetentionDuration", "interval 30 days"),
    mayCleanLog: flag("delta.enableExpiredLogCleanup", "true"),
    deletedFileRetentionMs: interval("delta.deletedFileRetentionDuration", "interval 7 days"),
    indexedColumnsMax: indexedColumns === -1 ? Number.POSITIVE_INFINITY : indexedColumns,
    protectedBelowVersion: count("delta.requireCheckpointProtectionBeforeVersion", "0", 0),
  };
  return properties;
}

/** Property names are told apart without regard to case, as Spark does. */
export function propertyOf(configuration: Metadata["configuration"], name: string): string | undefined {
  const exact = configuration?.[name];
  if (typeof exact === "string") return exact;
  const wanted = name.toLowerCase();
  const found = Object.entries(configuration ?? {}).find(([key]) => key.toLowerCase() === wanted);
  return found?.[1] ?? undefined;
}

/** `true` in any case; whatever else is not. */
export function isPropertyOn(configuration: Metadata["configuration"], name: string): boolean {
  return propertyOf(configuration, name)?.trim().toLowerCase() === "true";
}

const INTERVAL_WANTED = 'an interval of fixed length such as "interval 30 days"';

/** Months and years have no fixed length: Delta refuses them too. */
const UNIT_MS: Readonly<Record<string, number>> = {
  microsecond: 0.001,
  millisecond: 1,
  second: 1000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
  week: 7 * 86_400_000,
};

/** `interval 1 week 2 days` in milliseconds, as Spark's calendar intervals are written; undefined when it is none. */
export function parseIntervalMs(text: string): number | undefined {
  const words = text
    .trim()
    .toLowerCase()
    .replace(/^interval\s+/, "")
    .split(/\s+/);
  if (words.length % 2 !== 0) return undefined;
  let totalMs = 0;
  for (let at = 0; at < words.length; at += 2) {
    const [, digits] = /^'?(\d{1,15}(?:\.\d{1,9})?)'?$/.exec(words[at]!) ?? [];
    const unitMs = UNIT_MS[words[at + 1]!.replace(/s$/, "")];
    if (digits === undefined || unitMs === undefined) return undefined;
    totalMs += Number(digits) * unitMs;
  }
  return totalMs <= Number.MAX_SAFE_INTEGER ? totalMs : undefined;
}

function parseFlag(text: string): boolean | undefined {
  const lower = text.trim().toLowerCase();
  return lower === "true" ? true : lower === "false" ? false : undefined;
}

function parseCount(text: string, min: number): number | undefined {
  const value = /^\s*-?\d{1,15}\s*$/.test(text) ? Number(text) : undefined;
  return value !== undefined && value >= min ? value : undefined;
}
