import { z } from "zod";
import { type ConfigOf, setting } from "#lib/runtime/config.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { Metadata } from "./delta/actions.ts";
import { columnField } from "./photo-columns.ts";
import type { PhotoRow } from "./photo-row.ts";

/** How finely partitions may follow the time. */
export const PARTITION_STEPS = ["hour", "day", "month", "none"] as const;

/**
 * How a table's rows are laid out in folders, chosen when it is created. Model and run always come first; then follows a
 * time, in UTC, as finely as `by` says. Hours suit thousands of photos an hour; whatever is finer than a commit's rows
 * makes a file a photo.
 */
export interface Partitioning {
  readonly by: (typeof PARTITION_STEPS)[number];
  /**
   * When the photo was announced, or when it was captured. Clients decide the latter: a commit of photos of many years
   * has a file for each of their partitions.
   */
  readonly time: "ingest" | "capture";
}

/** What tables are given when nobody chooses. */
export const DEFAULT_PARTITIONING: Partitioning = { by: "day", time: "ingest" };

/** What tables without the property have: they were created before there was a choice. */
const TIME_BEFORE_PROPERTY = "capture";

/** The table property that names the time. */
const TIME_PROPERTY = "fruitstream.partitionTime";

/** The columns of the time, in the order of the folders. */
const TIME_COLUMNS = {
  hour: [columnField("dt", "date"), columnField("hour", "integer")],
  day: [columnField("dt", "date")],
  month: [columnField("month", "string")],
  none: [],
} as const satisfies Record<Partitioning["by"], readonly ReturnType<typeof columnField>[]>;

/** What may be said of the partitions of a table that is to be created. */
export const partitioningConfig = {
  tablePartitionBy: setting(
    "TABLE_PARTITION_BY",
    z
      .enum(PARTITION_STEPS)
      .optional()
      .describe(
        "how finely the partitions of a new table follow the time; by default `day`. A table keeps what it was created with",
      ),
  ),
  tablePartitionTime: setting(
    "TABLE_PARTITION_TIME",
    z
      .enum(["ingest", "capture"])
      .optional()
      .describe(
        "the time that decides a row's partition in a new table: of the announcement, or of the capture, which clients decide; by default `ingest`",
      ),
  ),
};

/** What a caller asks of a table's partitions; what is not said is as in the table, or else by default. */
export type AskedPartitioning = Partial<Partitioning>;

/** The partitions that the settings ask for. */
export function askedPartitioning(config: ConfigOf<typeof partitioningConfig>): AskedPartitioning {
  const { tablePartitionBy: by, tablePartitionTime: time } = config;
  return { ...(by && { by }), ...(time && { time }) };
}

/** The columns that only the folders and the log hold, in the order of the folders. */
export function partitionColumns(by: Partitioning["by"]) {
  return [columnField("model", "string"), columnField("run", "string"), ...TIME_COLUMNS[by]];
}

/** The part of a new table's properties that says by which time its rows are partitioned. */
export function partitioningProperties({ time }: Partitioning): Record<string, string> {
  return { [TIME_PROPERTY]: time };
}

/** How a table is partitioned; undefined when it is partitioned in a way that none of ours is. */
export function partitioningOf({ partitionColumns: actual, configuration }: Metadata): Partitioning | undefined {
  const by = PARTITION_STEPS.find(
    (each) =>
      partitionColumns(each)
        .map(({ name }) => name)
        .join() === actual.join(),
  );
  const time = configuration?.[TIME_PROPERTY] ?? TIME_BEFORE_PROPERTY;
  return by && (time === "ingest" || time === "capture") ? { by, time } : undefined;
}

/** Such as `by day of ingest`. */
export function describePartitioning({ by, time }: Partitioning): string {
  return by === "none" ? "by model and run only" : `by ${by} of ${time}`;
}

/** A partition of the table. */
export interface Partition {
  /** Relative to the table's root, such as `model=…/run=…/dt=YYYY-MM-DD/hour=HH`, escaped as Hive does. */
  readonly folder: string;
  /** As the Delta log holds them: every value a string, numbers without leading zeros. */
  readonly values: Readonly<Record<string, string>>;
}

/** The partition of a row that passes `requirePartition`. */
export function partitionOf(row: PhotoRow, { by, time }: Partitioning): Partition {
  requirePartition(row);
  const { model, run } = row;
  const iso = new Date(time === "ingest" ? row.ingestedAtMs : row.capturedAtMs).toISOString();
  const dt = iso.slice(0, 10);
  const hour = iso.slice(11, 13);
  const month = iso.slice(0, 7);
  const subject = `model=${escapeHive(model)}/run=${escapeHive(run)}`;
  switch (by) {
    case "hour":
      return { folder: `${subject}/dt=${dt}/hour=${hour}`, values: { model, run, dt, hour: String(Number(hour)) } };
    case "day":
      return { folder: `${subject}/dt=${dt}`, values: { model, run, dt } };
    case "month":
      return { folder: `${subject}/month=${month}`, values: { model, run, month } };
    case "none":
      return { folder: subject, values: { model, run } };
  }
}

/**
 * Makes sure that a row has a partition, however its table is partitioned.
 *
 * @throws poison-message when a time has no four-digit year, or when model or run is empty, which the Delta protocol
 * reads as null.
 */
export function requirePartition({ model, run, capturedAtMs, ingestedAtMs }: PhotoRow): void {
  if (model === "" || run === "") {
    throw new FruitstreamError("poison-message", `a row needs a model and a run, got model "${model}", run "${run}"`);
  }
  for (const [name, timeMs] of Object.entries({ capture: capturedAtMs, ingest: ingestedAtMs })) {
    if (timeMs >= TIME_MS_MIN && timeMs <= TIME_MS_MAX) continue;
    throw new FruitstreamError("poison-message", `the time of ${name} must lie in years 1 to 9999, got ${timeMs} ms`);
  }
}

const TIME_MS_MIN = Date.parse("0001-01-01T00:00:00.000Z");
const TIME_MS_MAX = Date.parse("9999-12-31T23:59:59.999Z");

/** Hive's own list (FileUtils.escapePathName), and the space, which breaks too many tools that take URIs apart. */
function escapeHive(value: string): string {
  return value.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be in a name.
    /[\u0000-\u0020"#%'*/:=?\\\u007f{[\]^]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}
