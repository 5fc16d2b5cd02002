import type { Prediction } from "#lib/messages/messages.ts";
import {
  type Column,
  float32Column,
  float32ListColumn,
  int32Column,
  int64Column,
  listColumn,
  structColumn,
  timestampColumn,
  utf8Column,
} from "./arrow-columns.ts";
import type { PhotoRow } from "./photo-row.ts";

/** A type in the Delta protocol's schema serialisation: a primitive's name, or a nested type. */
export type DeltaType = string | { readonly type: string; readonly [key: string]: unknown };

/** A column of the data files: its Delta type and its Arrow column side by side, so that neither drifts. */
export interface PhotoColumn {
  readonly name: string;
  readonly type: DeltaType;
  readonly encode: (rows: readonly PhotoRow[]) => Column;
  /** The value of which statistics are kept; missing for nested columns. Times are in milliseconds. */
  readonly scalar?: (row: PhotoRow) => string | number | null;
  /**
   * Tables were written without it at first: such a table gets it with the next commit, and its files of that time read
   * as null. A table that lacks any other column is none of ours.
   */
  readonly addedLater?: boolean;
}

/** What the data files hold, in their order. */
export const PHOTO_COLUMNS: readonly PhotoColumn[] = [
  text("path", (row) => row.path),
  text("label", (row) => row.label),
  vector("features", (row) => row.features),
  vector("pca_features", (row) => row.pcaFeatures),
  integer("pca_version", (row) => row.pcaVersion),
  {
    name: "predictions",
    type: arrayOf(structOf([columnField("label", "string"), columnField("score", "float")])),
    encode: (rows) =>
      listColumn(
        rows.map((row) => row.predictions),
        predictionColumn,
      ),
  },
  text("photo_etag", (row) => row.photoEtag),
  integer("width", (row) => row.widthPx),
  integer("height", (row) => row.heightPx),
  timestamp("captured_at", (row) => row.capturedAtMs),
  timestamp("ingested_at", (row) => row.ingestedAtMs),
  timestamp("featurized_at", (row) => row.featurizedAtMs),
  integer("source_partition", (row) => row.sourcePartition),
  long("source_offset", (row) => row.sourceOffset),
  { ...text("captured_at_source", (row) => row.capturedAtSource), addedLater: true },
];

/** A table's schema as a Delta log's `schemaString`. */
export function photoSchemaString(
  columns: readonly PhotoColumn[],
  partitionColumns: readonly ReturnType<typeof columnField>[],
): string {
  const fields = columns.map(({ name, type }) => columnField(name, type));
  return JSON.stringify(structOf([...fields, ...partitionColumns]));
}

/**
 * A column in a Delta schema. Every one is nullable: protocol 1/2 has no enforced alternative but invariants, which not
 * all readers know.
 */
export function columnField(name: string, type: DeltaType) {
  return { name, type, nullable: true, metadata: {} };
}

function arrayOf(elementType: DeltaType): DeltaType {
  return { type: "array", elementType, containsNull: true };
}

function structOf(fields: readonly ReturnType<typeof columnField>[]): DeltaType {
  return { type: "struct", fields };
}

function text(name: string, scalar: (row: PhotoRow) => string | null): PhotoColumn {
  return { name, type: "string", scalar, encode: (rows) => utf8Column(rows.map(scalar)) };
}

function integer(name: string, scalar: (row: PhotoRow) => number | null): PhotoColumn {
  return { name, type: "integer", scalar, encode: (rows) => int32Column(rows.map(scalar)) };
}

function long(name: string, scalar: (row: PhotoRow) => number): PhotoColumn {
  return { name, type: "long", scalar, encode: (rows) => int64Column(rows.map(scalar)) };
}

function timestamp(name: string, scalar: (row: PhotoRow) => number): PhotoColumn {
  return { name, type: "timestamp", scalar, encode: (rows) => timestampColumn(rows.map(scalar)) };
}

function vector(name: string, vectorOf: (row: PhotoRow) => Float32Array | null): PhotoColumn {
  return { name, type: arrayOf("float"), encode: (rows) => float32ListColumn(rows.map(vectorOf)) };
}

function predictionColumn(predictions: readonly Prediction[]): Column {
  return structColumn(predictions, {
    label: utf8Column(predictions.map(({ label }) => label)),
    score: float32Column(predictions.map(({ score }) => score)),
  });
}
