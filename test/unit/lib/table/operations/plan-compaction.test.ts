import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AddFile } from "#lib/table/delta/actions.ts";
import { DEFAULT_COMPACTION, planCompaction } from "#lib/table/operations/plan-compaction.ts";
import { addOf } from "../table-fixtures.ts";

const HOUR_MS = 3_600_000;
const options = { ...DEFAULT_COMPACTION, fileBytesMax: 1_000, openFilesMin: 4 };

describe("what is compacted", () => {
  it("is every small file of a closed partition, in as few files as the size allows", () => {
    const files = [fileOf("a", 400), fileOf("b", 500), fileOf("c", 300), fileOf("d", 200), fileOf("full", 900)];
    expect(planned(files, HOUR_MS)).toEqual([
      ["a", "b"],
      ["c", "d"],
    ]);
  });

  it("is nothing of a partition that is written to, before there are enough files of like size", () => {
    const files = [fileOf("a", 20), fileOf("b", 20), fileOf("c", 20), fileOf("larger", 300)];
    expect(planned(files, HOUR_MS - 1)).toEqual([]);
    expect(planned([...files, fileOf("d", 20)], HOUR_MS - 1)).toEqual([["a", "b", "c", "d"]]);
  });

  it("is nothing across partitions, nor a file that was left", () => {
    const other = { ...fileOf("b", 20), partitionValues: { model: "m", run: "live", dt: "2026-03-02", hour: "7" } };
    expect(planned([fileOf("a", 20), other], HOUR_MS)).toEqual([]);
    expect(planned([fileOf("a", 20), fileOf("b", 20)], HOUR_MS, (path) => path === "b")).toEqual([]);
  });

  it("begins with the earliest rows", () => {
    const at = (path: string, time: string) => ({
      ...fileOf(path, 20),
      stats: JSON.stringify({ numRecords: 1, minValues: { ingested_at: time } }),
    });
    const files = [at("late", "2026-03-02T00:00:00.000Z"), at("early", "2026-03-01T00:00:00.000Z")];
    expect(planned(files, HOUR_MS)).toEqual([["early", "late"]]);
  });

  it("comes to an end, with files as large as they may be and no larger", () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 1_200 }), { maxLength: 60 });
    fc.assert(
      fc.property(sizes, fc.boolean(), (bytes, isClosed) => {
        const files = compacted(bytes, isClosed ? HOUR_MS : 0);
        expect(files.reduce((sum, { size }) => sum + size, 0)).toBe(sumOf(bytes));
        const small = files.filter(({ size }) => size <= 750);
        const alike = Map.groupBy(small, ({ size }) => Math.floor(Math.log2(size) / 4));
        if (!isClosed) for (const some of alike.values()) expect(some.length).toBeLessThan(options.openFilesMin + 4);
      }),
    );
  });
});

/** The files after as many compactions as there is something to do. */
function compacted(bytes: readonly number[], nowMs: number): AddFile[] {
  let files = bytes.map((size, index) => fileOf(`f${index}`, size));
  for (let round = 0; ; round++) {
    expect(round).toBeLessThan(60);
    const groups = groupsOf(files, nowMs);
    if (groups.length === 0) return files;
    const gone = new Set(groups.flat().map(({ path }) => path));
    const merged = groups.map((group, index) => fileOf(`m${round}-${index}`, sumOf(group.map(({ size }) => size))));
    for (const { size } of merged) expect(size).toBeLessThanOrEqual(options.fileBytesMax);
    files = [...files.filter(({ path }) => !gone.has(path)), ...merged];
  }
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}

function fileOf(path: string, size: number): AddFile {
  return { ...addOf(path), size };
}

function groupsOf(files: readonly AddFile[], nowMs: number, isLeft?: (path: string) => boolean) {
  const state = { files: new Map(files.map((file) => [file.path, file])) };
  return planCompaction(state, options, nowMs, isLeft).map((group) => group.files);
}

function planned(files: readonly AddFile[], nowMs: number, isLeft?: (path: string) => boolean): string[][] {
  return groupsOf(files, nowMs, isLeft).map((group) => group.map(({ path }) => path));
}
