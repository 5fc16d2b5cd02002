import type { AddFile } from "./delta/actions.ts";
import { joinVectors } from "./join-vectors.ts";
import { decodeFeatures } from "./parquet-file.ts";
import { type ColumnChunk, openColumnFile, readColumns } from "./read-columns.ts";
import { readDataFile } from "./table-files.ts";
import type { TableAccess } from "./table-location.ts";

/** Feature vectors of some rows of a file: row-major, `rows` × `dimensions`. */
export interface FeatureMatrix {
  readonly rows: number;
  readonly dimensions: number;
  readonly values: Float32Array;
  /** Rows without a vector of this length and of finite values: other tools have written them, and they are left out. */
  readonly passedOver: number;
}

/**
 * The feature vectors of one of the table's files, in the order of its rows. A file of up to WHOLE_BYTES_MAX is read at once
 * and takes some eight times its size; a larger one some thousand rows at a time, or, where it does not say where its
 * pages begin, a row group.
 *
 * @param dimensions how many values a vector has.
 * @throws not-found when there is no such file; invalid-table when it is no Parquet file with such a column.
 */
export async function* readFeatures(
  access: TableAccess,
  file: AddFile,
  dimensions: number,
): AsyncGenerator<FeatureMatrix, void, undefined> {
  if (file.size <= WHOLE_BYTES_MAX) {
    yield matrixOf(decodeFeatures(await readDataFile(access, file)), dimensions);
    return;
  }
  for await (const rows of readColumns(access, file, ["features"], { rowsMax: STEP_ROWS_MAX })) {
    yield matrixOf(
      rows.map(({ features }) => vectorOf(features)),
      dimensions,
    );
  }
}

/**
 * How many values a file's vectors have, by the first one; undefined when none of its rows has one. Reads the file's end and
 * a page or two, however large it is. Where a large file does not say where its pages begin, its end must do: it tells how
 * many values and rows there are.
 *
 * @throws like `readFeatures`.
 */
export async function vectorLengthOf(access: TableAccess, file: AddFile): Promise<number | undefined> {
  const opened = await openColumnFile(access, file);
  const chunks = opened.chunksOf("features");
  if (chunks.some(({ bytes, isIndexed }) => !isIndexed && bytes > WHOLE_BYTES_MAX)) return meanLength(chunks);
  for await (const rows of opened.read(["features"], { rowsMax: LOOK_ROWS })) {
    const vector = rows.map(({ features }) => vectorOf(features)).find((found) => found !== undefined);
    if (vector !== undefined) return vector.length;
  }
  return undefined;
}

/** Of the first row group without nulls whose vectors can all be of one length. */
function meanLength(chunks: readonly ColumnChunk[]): number | undefined {
  const group = chunks.find(({ rows, values, nulls }) => rows > 0 && values % rows === 0 && !nulls);
  return group && group.values / group.rows;
}

/** Above what a window of ours has; what other tools compact has up to 1 GB. */
const WHOLE_BYTES_MAX = 32 * 2 ** 20;
/** 10 MB of 1280 values as they are decoded. */
const STEP_ROWS_MAX = 1024;
const LOOK_ROWS = 16;

function vectorOf(value: unknown): Float32Array | undefined {
  if (!Array.isArray(value) || value.length === 0 || value.includes(null)) return undefined;
  return Float32Array.from(value as number[]);
}

function matrixOf(vectors: readonly (Float32Array | undefined)[], dimensions: number): FeatureMatrix {
  const whole = vectors.filter((vector) => vector?.length === dimensions && vector.every(Number.isFinite));
  const values = joinVectors(whole as Float32Array[]);
  return { rows: whole.length, dimensions, values, passedOver: vectors.length - whole.length };
}
