import { describe, expect, it } from "vitest";
import { float32Column, float32ListColumn, listColumn, utf8Column } from "#lib/table/arrow-columns.ts";
import type { AddFile } from "#lib/table/delta/actions.ts";
import { type FeatureMatrix, readFeatures, vectorLengthOf } from "#lib/table/feature-vectors.ts";
import { encodeColumns } from "#lib/table/parquet-file.ts";
import { type TableAccess, tableObject } from "#lib/table/table-location.ts";
import { accessOf, addOf, emptyStore } from "./table-fixtures.ts";

const DIMENSIONS = 64;
type Vectors = (Float32Array | null)[];

/** Values that hardly compress, so that a file has about the size of its vectors. */
function vectorsOf(count: number, dimensions = DIMENSIONS): Float32Array[] {
  return Array.from({ length: count }, (_, row) =>
    Float32Array.from({ length: dimensions }, (_, at) => Math.sin(row * 12.9898 + at * 78.233) * 43_758.5453),
  );
}

/** A table's place whose store keeps count of the bytes that are read, and the largest answer. */
async function fileOf(vectors: Vectors) {
  const memory = emptyStore();
  const read = { bytes: 0, largest: 0 };
  const count = (bytes: Uint8Array) => {
    read.bytes += bytes.byteLength;
    read.largest = Math.max(read.largest, bytes.byteLength);
  };
  const store: typeof memory = {
    ...memory,
    async get(...given) {
      const object = await memory.get(...given);
      count(object.bytes);
      return object;
    },
    async getRange(...given) {
      const bytes = await memory.getRange(...given);
      count(bytes);
      return bytes;
    },
  };
  const access = accessOf(store);
  const columns = { path: utf8Column(vectors.map((_, row) => `${row}`)), features: float32ListColumn(vectors) };
  return { access, read, file: await put(access, encodeColumns(columns, ["path"])) };
}

async function put(access: TableAccess, bytes: Uint8Array): Promise<AddFile> {
  await access.store.put(tableObject(access.location, "a.parquet"), bytes);
  return { ...addOf("a.parquet"), size: bytes.byteLength };
}

async function collect(access: TableAccess, file: AddFile, dimensions = DIMENSIONS) {
  const matrices: FeatureMatrix[] = [];
  for await (const matrix of readFeatures(access, file, dimensions)) matrices.push(matrix);
  return {
    steps: matrices.length,
    passedOver: matrices.reduce((sum, { passedOver }) => sum + passedOver, 0),
    rows: matrices.reduce((sum, { rows }) => sum + rows, 0),
    bytes: Buffer.concat(matrices.map(({ values }) => new Uint8Array(values.slice().buffer))),
  };
}

const bytesOf = (vectors: readonly Float32Array[]) =>
  Buffer.concat(vectors.map((vector) => new Uint8Array(vector.buffer)));

describe("the feature vectors of a file", () => {
  it("of few rows come at once", async () => {
    const vectors = vectorsOf(100);
    const { access, file } = await fileOf(vectors);
    const { steps, rows, passedOver, bytes } = await collect(access, file);
    expect({ steps, rows, passedOver }).toEqual({ steps: 1, rows: 100, passedOver: 0 });
    expect(bytes.equals(bytesOf(vectors))).toBe(true);
  });

  it("leave out, and count, rows without one of that length whose values are finite", async () => {
    const [first, second, third] = vectorsOf(3);
    const spoilt = [null, new Float32Array(0), new Float32Array(7), new Float32Array(DIMENSIONS).fill(Number.NaN)];
    const infinite = new Float32Array(DIMENSIONS).fill(Number.POSITIVE_INFINITY);
    const { access, file } = await fileOf([null, first!, ...spoilt, second!, infinite, third!]);
    const { rows, passedOver, bytes } = await collect(access, file);
    expect({ rows, passedOver }).toEqual({ rows: 3, passedOver: 6 });
    expect(bytes.equals(bytesOf([first!, second!, third!]))).toBe(true);
  });

  it("of a large one come some at a time, without those rows, and no more than a small part is held", async () => {
    const vectors: Vectors = vectorsOf(9_000, 1024);
    const spoilt: Vectors = [null, new Float32Array(7), new Float32Array(1024).fill(Number.NaN)];
    for (const [index, vector] of spoilt.entries()) vectors[index * 3_000 + 17] = vector;
    const { access, file, read } = await fileOf(vectors);
    expect(file.size).toBeGreaterThan(32 * 2 ** 20);
    const { steps, rows, passedOver, bytes } = await collect(access, file, 1024);
    expect({ steps, rows, passedOver }).toEqual({ steps: 9, rows: 8_997, passedOver: 3 });
    expect(bytes.equals(bytesOf(vectors.filter((vector) => !spoilt.includes(vector)) as Float32Array[]))).toBe(true);
    expect(read.largest).toBeLessThan(file.size / 4);
  });

  it("are none where all are null, or where there are no rows", async () => {
    const { access, file } = await fileOf([null, null]);
    expect(await collect(access, file)).toMatchObject({ rows: 0, passedOver: 2 });
    const empty = await fileOf([]);
    expect(await collect(empty.access, empty.file)).toMatchObject({ rows: 0, passedOver: 0 });
  });
});

describe("the length of a file's vectors", () => {
  it("takes a small part of a large file", async () => {
    const { access, file, read } = await fileOf(vectorsOf(5_000, 1280));
    expect(await vectorLengthOf(access, file)).toBe(1280);
    expect(read.bytes).toBeLessThan(3 * 2 ** 20);
    expect(file.size).toBeGreaterThan(16 * 2 ** 20);
  });

  it("is that of the first row that has one, in whichever row group", async () => {
    const { access, file } = await fileOf([...Array(5_000).fill(null), ...vectorsOf(3)]);
    expect(await vectorLengthOf(access, file)).toBe(DIMENSIONS);
  });

  it("is unknown where no row has one", async () => {
    for (const vectors of [[], [null, null], [new Float32Array(0)]]) {
      const { access, file } = await fileOf(vectors);
      expect(await vectorLengthOf(access, file)).toBeUndefined();
    }
  });

  it("is not that of a vector with a null", async () => {
    const access = accessOf(emptyStore());
    const column = listColumn(
      [
        [1, null, 3],
        [1, 2],
      ],
      (values) => float32Column(values),
    );
    const file = await put(access, encodeColumns({ features: column }, []));
    expect(await vectorLengthOf(access, file)).toBe(2);
  });
});
