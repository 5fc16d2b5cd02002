import { describe, expect, it } from "vitest";
import { partitionFolder, partitionOf, partitionValues } from "#lib/table/photo-row.ts";
import { photoRow } from "./photo-rows.ts";

describe("a row's partition", () => {
  it.each([
    ["2026-03-01T07:00:00.000Z", "2026-03-01", 7],
    ["2026-03-01T07:59:59.999Z", "2026-03-01", 7],
    ["2026-03-01T08:00:00.000Z", "2026-03-01", 8],
    ["2026-02-28T23:59:59.999Z", "2026-02-28", 23],
    ["2026-03-01T00:00:00.000Z", "2026-03-01", 0],
    ["1969-12-31T23:59:59.999Z", "1969-12-31", 23],
    ["0001-01-01T00:00:00.000Z", "0001-01-01", 0],
    ["9999-12-31T23:59:59.999Z", "9999-12-31", 23],
  ])("of %s is the UTC date %s and hour %i", (capturedAt, dt, hour) => {
    const row = photoRow({ capturedAtMs: Date.parse(capturedAt) });
    expect(partitionOf(row)).toEqual({ model: row.model, run: "live", dt, hour });
  });

  it("has a two-digit hour in the folder and a plain one in the log", () => {
    const partition = partitionOf(photoRow({ model: "m-1", capturedAtMs: Date.parse("2026-03-01T07:30:00Z") }));
    expect(partitionFolder(partition)).toBe("model=m-1/run=live/dt=2026-03-01/hour=07");
    expect(partitionValues(partition)).toEqual({ model: "m-1", run: "live", dt: "2026-03-01", hour: "7" });
  });

  it("escapes in the folder what Hive escapes, and nothing in the log", () => {
    const partition = partitionOf(photoRow({ model: "a/b:1", run: "50% of müll?" }));
    expect(partitionFolder(partition)).toContain("model=a%2Fb%3A1/run=50%25%20of%20müll%3F/");
    expect(partitionValues(partition)).toMatchObject({ model: "a/b:1", run: "50% of müll?" });
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Date.parse("+010000-01-01T00:00:00Z")])(
    "is refused for an event time of %d ms",
    (capturedAtMs) => {
      expect(() => partitionOf(photoRow({ capturedAtMs }))).toThrow(
        expect.objectContaining({ code: "poison-message" }) as Error,
      );
    },
  );

  it("is refused for an empty run, which Delta reads as null", () => {
    expect(() => partitionOf(photoRow({ run: "" }))).toThrow(/needs a model and a run/);
  });
});
