import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { columnStatistics, recordCountOf, STRING_BOUND_CODE_POINTS_MAX } from "#lib/table/delta/column-statistics.ts";
import { PHOTO_COLUMNS } from "#lib/table/photo-columns.ts";
import { anyCharacter } from "../../../../any-character.ts";
import { photoRow } from "../photo-rows.ts";

const longText = fc
  .tuple(fc.string({ unit: fc.constantFrom("a", "\u{10ffff}"), maxLength: 60 }), fc.string({ unit: anyCharacter }))
  .map(([head, tail]) => head + tail);

describe("a file's statistics", () => {
  it("hold exact bounds of numbers and times, and count nulls", () => {
    const rows = [
      photoRow({
        sourceOffset: 7,
        pcaVersion: null,
        label: null,
        capturedAtMs: Date.parse("2026-03-01T07:59:59.999Z"),
      }),
      photoRow({
        sourceOffset: Number.MAX_SAFE_INTEGER,
        pcaVersion: 3,
        capturedAtMs: Date.parse("2026-03-01T07:00:00Z"),
      }),
    ];
    const stats = JSON.parse(columnStatistics(rows));
    expect(stats.numRecords).toBe(2);
    expect(stats.minValues).toMatchObject({
      source_offset: 7,
      pca_version: 3,
      label: "Apple 6",
      captured_at: "2026-03-01T07:00:00.000Z",
    });
    expect(stats.maxValues).toMatchObject({
      source_offset: Number.MAX_SAFE_INTEGER,
      pca_version: 3,
      captured_at: "2026-03-01T07:59:59.999Z",
    });
    expect(stats.nullCount).toMatchObject({ label: 1, pca_version: 1, path: 0 });
    expect(stats.minValues).not.toHaveProperty("features");
  });

  it("hold no bounds of a column that is null throughout", () => {
    const stats = JSON.parse(columnStatistics([photoRow({ pcaVersion: null })]));
    expect(stats.minValues).not.toHaveProperty("pca_version");
    expect(stats.maxValues).not.toHaveProperty("pca_version");
    expect(stats.nullCount.pca_version).toBe(1);
  });

  it("tell of so many leading columns as the table asks for", () => {
    const { numRecords, minValues, nullCount } = JSON.parse(columnStatistics([photoRow()], PHOTO_COLUMNS, 5));
    expect(numRecords).toBe(1);
    expect(Object.keys(minValues)).toEqual(["path", "label", "pca_version"]);
    expect(Object.keys(nullCount)).toEqual(["path", "label", "pca_version"]);
    expect(JSON.parse(columnStatistics([photoRow()], PHOTO_COLUMNS, 0)).minValues).toEqual({});
  });

  it("bound every string in the order of UTF-8 bytes, and briefly", () => {
    fc.assert(
      fc.property(fc.array(longText, { minLength: 1, maxLength: 6 }), (labels) => {
        const stats = JSON.parse(columnStatistics(labels.map((label) => photoRow({ label }))));
        const { label: min } = stats.minValues;
        const { label: max } = stats.maxValues;
        for (const label of labels) {
          expect(Buffer.compare(Buffer.from(min), Buffer.from(label))).toBeLessThanOrEqual(0);
          if (max !== undefined) expect(Buffer.compare(Buffer.from(max), Buffer.from(label))).toBeGreaterThanOrEqual(0);
        }
        expect([...min].length).toBeLessThanOrEqual(STRING_BOUND_CODE_POINTS_MAX);
        expect([...(max ?? "")].length).toBeLessThanOrEqual(STRING_BOUND_CODE_POINTS_MAX);
      }),
    );
  });

  it("keep a short string's bounds exact, and step over the surrogates", () => {
    const cut = (label: string) => JSON.parse(columnStatistics([photoRow({ label })])).maxValues.label;
    expect(cut("Braeburn")).toBe("Braeburn");
    expect(cut("x".repeat(40))).toBe(`${"x".repeat(31)}y`);
    expect(cut(`${"x".repeat(31)}\ud7ff-`)).toBe(`${"x".repeat(31)}\ue000`);
    expect(cut(`${"x".repeat(31)}\u{10ffff}-`)).toBe(`${"x".repeat(30)}y`);
    expect(cut("\u{10ffff}".repeat(33))).toBeUndefined();
  });

  it("tell the number of records back, where a writer kept it", () => {
    expect(recordCountOf({ stats: columnStatistics([photoRow(), photoRow()]) })).toBe(2);
    expect(recordCountOf({ stats: null })).toBeUndefined();
    expect(recordCountOf({ stats: "{}" })).toBeUndefined();
  });
});
