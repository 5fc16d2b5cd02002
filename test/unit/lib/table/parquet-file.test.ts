import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { float32Column, float32ListColumn, listColumn } from "#lib/table/arrow-columns.ts";
import { decodeFeatures, decodeRows, encodeColumns, encodeRows } from "#lib/table/parquet-file.ts";
import type { PhotoRow } from "#lib/table/photo-row.ts";
import { propertyRuns } from "../../../property-runs.ts";
import { photoRow } from "./photo-rows.ts";

const float = fc.float({ noNaN: true });
const text = fc.string({ unit: "grapheme" });
const int = fc.integer({ min: 0, max: 2 ** 31 - 1 });
const timeMs = fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 });

const anyRow: fc.Arbitrary<PhotoRow> = fc.record({
  model: fc.constant("m"),
  run: fc.constant("live"),
  path: text,
  label: fc.option(text),
  features: fc.float32Array({ minLength: 3, maxLength: 3 }),
  pcaFeatures: fc.option(fc.float32Array({ maxLength: 4 })),
  pcaVersion: fc.option(int),
  predictions: fc.option(fc.array(fc.record({ label: text, score: float }), { maxLength: 3 })),
  photoEtag: text,
  widthPx: int,
  heightPx: int,
  capturedAtMs: timeMs,
  capturedAtSource: fc.option(text),
  ingestedAtMs: timeMs,
  featurizedAtMs: timeMs,
  sourcePartition: int,
  sourceOffset: fc.maxSafeNat(),
});

describe("a data file", () => {
  it("gives back every value of every row", () => {
    fc.assert(
      fc.property(fc.array(anyRow, { minLength: 1, maxLength: 12 }), (rows) => {
        expect(decodeRows(encodeRows(rows))).toEqual(rows.map(asStored));
      }),
      propertyRuns(50),
    );
  });

  it("gives back the feature vectors, past the bounds of row groups", () => {
    const rows = Array.from({ length: 9_000 }, (_, sourceOffset) => photoRow({ sourceOffset }));
    const vectors = decodeFeatures(encodeRows(rows)).map((vector) => new Uint8Array(vector!.slice().buffer));
    expect(vectors.length).toBe(9_000);
    const written = rows.map((row) => new Uint8Array(row.features.buffer));
    expect(Buffer.concat(vectors).equals(Buffer.concat(written))).toBe(true);
  });

  it("replaces lone surrogates, which UTF-8 can't hold, and keeps its neighbours whole", () => {
    const rows = [photoRow({ label: "a\ud83c" }), photoRow({ label: "\udf4e" }), photoRow({ label: "🍎" })];
    const labels = decodeRows(encodeRows(rows), ["label"]).map(({ label }) => label);
    expect(labels).toEqual(["a\ufffd", "\ufffd", "🍎"]);
  });

  it("reads only the columns asked for", () => {
    const rows = decodeRows(encodeRows([photoRow()]), ["source_offset", "label"]);
    expect(rows).toEqual([{ label: "Apple 6", source_offset: 0 }]);
  });

  it("gives back vectors of other lengths as they are, and none for those that are null or have a null", () => {
    const none = encodeColumns({ features: float32ListColumn([Float32Array.of(1, 2), null, Float32Array.of(3)]) }, []);
    expect(decodeFeatures(none)).toEqual([Float32Array.of(1, 2), undefined, Float32Array.of(3)]);
    const lists = [[1, 2], [3, null], [], [4]];
    const column = listColumn(lists, (values) => float32Column(values));
    const expected = [Float32Array.of(1, 2), undefined, new Float32Array(0), Float32Array.of(4)];
    expect(decodeFeatures(encodeColumns({ features: column }, []))).toEqual(expected);
  });

  it("stays readable after damaged ones made the decoder panic", () => {
    const bytes = encodeRows(Array.from({ length: 20 }, (_, sourceOffset) => photoRow({ sourceOffset })));
    const panics = fc.property(fc.nat(bytes.length - 1), fc.nat(255), (index, value) => {
      const damaged = bytes.with(index, value);
      try {
        decodeRows(damaged);
      } catch (error) {
        expect(error).toMatchObject({ code: "invalid-table" });
      }
      expect(decodeFeatures(bytes).map((vector) => vector?.length)).toEqual(Array(20).fill(8));
    });
    fc.assert(panics, propertyRuns(300));
  });

  it("names the column that a file lacks", () => {
    expect(() => decodeRows(encodeRows([photoRow()]), ["colour"])).toThrow(/must have the column "colour"/);
  });

  it("says invalid-table for bytes that are cut short or no Parquet at all", () => {
    const bytes = encodeRows([photoRow()]);
    const invalidTable = expect.objectContaining({ code: "invalid-table" }) as Error;
    for (const length of [0, 4, 11, bytes.length >> 1, bytes.length - 1]) {
      expect(() => decodeRows(bytes.subarray(0, length))).toThrow(invalidTable);
    }
    expect(decodeRows(bytes)).toHaveLength(1);
  });
});

function asStored(row: PhotoRow): Record<string, unknown> {
  return {
    path: row.path,
    label: row.label,
    features: row.features,
    pca_features: row.pcaFeatures,
    pca_version: row.pcaVersion,
    predictions: row.predictions,
    photo_etag: row.photoEtag,
    width: row.widthPx,
    height: row.heightPx,
    captured_at: new Date(row.capturedAtMs),
    ingested_at: new Date(row.ingestedAtMs),
    featurized_at: new Date(row.featurizedAtMs),
    source_partition: row.sourcePartition,
    source_offset: row.sourceOffset,
    captured_at_source: row.capturedAtSource,
  };
}
