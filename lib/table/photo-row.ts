import type { Prediction } from "#lib/messages/messages.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";

/** A row of the table: one photo of one run through one model. Times are milliseconds since the Unix epoch, UTC. */
export interface PhotoRow {
  /** Partition columns, with the event time's date and hour: the model's name and content hash, and the run's name. */
  readonly model: string;
  readonly run: string;
  /** `s3://bucket/key` of the photo. */
  readonly path: string;
  readonly label: string | null;
  /** The model's dimension. */
  readonly features: Float32Array;
  /** The basis' number of components; null before there is a first basis. */
  readonly pcaFeatures: Float32Array | null;
  /** The version of the basis that projected this row; null before there is a first one. */
  readonly pcaVersion: number | null;
  /** Best first; null where the model has no classes. */
  readonly predictions: readonly Prediction[] | null;
  readonly photoEtag: string;
  readonly widthPx: number;
  readonly heightPx: number;
  /** Event time: decides the partition. */
  readonly capturedAtMs: number;
  /** Who says so, as in `PhotoFeatures`; null where nobody noted it. */
  readonly capturedAtSource: string | null;
  readonly ingestedAtMs: number;
  readonly featurizedAtMs: number;
  readonly sourcePartition: number;
  readonly sourceOffset: number;
}

/** The folder that a row belongs to. */
export interface Partition {
  readonly model: string;
  readonly run: string;
  /** `YYYY-MM-DD`, UTC. */
  readonly dt: string;
  /** 0 to 23, UTC. */
  readonly hour: number;
}

/**
 * The partition of a row.
 *
 * @throws poison-message when the event time has no four-digit year, or when model or run is empty, which the Delta
 * protocol reads as null.
 */
export function partitionOf({ model, run, capturedAtMs }: PhotoRow): Partition {
  if (model === "" || run === "") {
    throw new FruitstreamError("poison-message", `a row needs a model and a run, got model "${model}", run "${run}"`);
  }
  if (!(capturedAtMs >= EVENT_TIME_MS_MIN && capturedAtMs <= EVENT_TIME_MS_MAX)) {
    throw new FruitstreamError("poison-message", `event time must lie in years 1 to 9999, got ${capturedAtMs} ms`);
  }
  const iso = new Date(capturedAtMs).toISOString();
  return { model, run, dt: iso.slice(0, 10), hour: Number(iso.slice(11, 13)) };
}

const EVENT_TIME_MS_MIN = Date.parse("0001-01-01T00:00:00.000Z");
const EVENT_TIME_MS_MAX = Date.parse("9999-12-31T23:59:59.999Z");

/** The partition as the Delta log holds it: every value a string, numbers without leading zeros. */
export function partitionValues({ model, run, dt, hour }: Partition): Record<string, string> {
  return { model, run, dt, hour: String(hour) };
}

/** The partition's folder, relative to the table's root: `model=…/run=…/dt=YYYY-MM-DD/hour=HH`, escaped as Hive does. */
export function partitionFolder({ model, run, dt, hour }: Partition): string {
  return `model=${escapeHive(model)}/run=${escapeHive(run)}/dt=${dt}/hour=${String(hour).padStart(2, "0")}`;
}

/** Hive's own list (FileUtils.escapePathName), and the space, which breaks too many tools that take URIs apart. */
function escapeHive(value: string): string {
  return value.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be in a name.
    /[\u0000-\u0020"#%'*/:=?\\\u007f{[\]^]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}
