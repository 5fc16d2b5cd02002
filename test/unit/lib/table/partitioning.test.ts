import { describe, expect, it } from "vitest";
import { openTable } from "#lib/table/open-table.ts";
import {
  DEFAULT_PARTITIONING,
  type Partitioning,
  partitioningOf,
  partitionOf,
  requirePartition,
} from "#lib/table/partitioning.ts";
import { writeRows } from "#lib/table/table-files.ts";
import { countRows, summarisePartitions } from "#lib/table/table-summary.ts";
import { photoRow } from "./photo-rows.ts";
import { emptyStore, LOCATION } from "./table-fixtures.ts";

const byHour: Partitioning = { by: "hour", time: "capture" };

describe("a row's partition", () => {
  it.each([
    ["2026-03-01T07:00:00.000Z", "2026-03-01", "7"],
    ["2026-03-01T07:59:59.999Z", "2026-03-01", "7"],
    ["2026-03-01T08:00:00.000Z", "2026-03-01", "8"],
    ["2026-02-28T23:59:59.999Z", "2026-02-28", "23"],
    ["2026-03-01T00:00:00.000Z", "2026-03-01", "0"],
    ["1969-12-31T23:59:59.999Z", "1969-12-31", "23"],
    ["0001-01-01T00:00:00.000Z", "0001-01-01", "0"],
    ["9999-12-31T23:59:59.999Z", "9999-12-31", "23"],
  ])("of %s is the UTC date %s and hour %i", (capturedAt, dt, hour) => {
    const row = photoRow({ capturedAtMs: Date.parse(capturedAt), ingestedAtMs: Date.parse("2026-03-01T09:00:00Z") });
    expect(partitionOf(row, byHour).values).toEqual({ model: row.model, run: "live", dt, hour });
  });

  it.each([
    ["hour", "model=m-1/run=live/dt=2026-03-01/hour=07", { dt: "2026-03-01", hour: "7" }],
    ["day", "model=m-1/run=live/dt=2026-03-01", { dt: "2026-03-01" }],
    ["month", "model=m-1/run=live/month=2026-03", { month: "2026-03" }],
    ["none", "model=m-1/run=live", {}],
  ] as const)("by %s has the folder %s", (by, folder, time) => {
    const row = photoRow({
      model: "m-1",
      capturedAtMs: Date.parse("2026-03-01T07:30:00Z"),
      ingestedAtMs: Date.parse("2026-07-09T21:00:00Z"),
    });
    const partition = { folder, values: { model: "m-1", run: "live", ...time } };
    expect(partitionOf(row, { by, time: "capture" })).toEqual(partition);
    const ingested = { ...row, capturedAtMs: row.ingestedAtMs, ingestedAtMs: row.capturedAtMs };
    expect(partitionOf(ingested, { by, time: "ingest" })).toEqual(partition);
  });

  it("escapes in the folder what Hive escapes, and nothing in the log", () => {
    const partition = partitionOf(photoRow({ model: "a/b:1", run: "50% of müll?" }), DEFAULT_PARTITIONING);
    expect(partition.folder).toContain("model=a%2Fb%3A1/run=50%25%20of%20müll%3F/");
    expect(partition.values).toMatchObject({ model: "a/b:1", run: "50% of müll?" });
  });

  const badTimes = [Number.NaN, Number.POSITIVE_INFINITY, Date.parse("+010000-01-01T00:00:00Z")];
  it.each(badTimes)("is refused for a time of %d ms, whichever decides it", (timeMs) => {
    for (const row of [photoRow({ capturedAtMs: timeMs }), photoRow({ ingestedAtMs: timeMs })]) {
      expect(() => requirePartition(row)).toThrow(expect.objectContaining({ code: "poison-message" }) as Error);
    }
  });

  it("is refused for an empty run, which Delta reads as null", () => {
    expect(() => requirePartition(photoRow({ run: "" }))).toThrow(/needs a model and a run/);
  });
});

describe("a table's partitions", () => {
  const open = (store: ReturnType<typeof emptyStore>, partitioning = {}) =>
    openTable(store, LOCATION, { createIfAbsent: true, partitioning });

  it("follow the day of the announcement where nobody chooses", async () => {
    const table = await open(emptyStore());
    expect(table.partitioning).toEqual({ by: "day", time: "ingest" });
    expect(table.snapshot.metadata.partitionColumns).toEqual(["model", "run", "dt"]);
  });

  it.each([
    { by: "hour", time: "capture" },
    { by: "month", time: "ingest" },
    { by: "none", time: "ingest" },
  ] as const)("are what they were created with: %o", async (partitioning) => {
    const store = emptyStore();
    await open(store, partitioning);
    expect((await open(store)).partitioning).toEqual(partitioning);
    expect((await openTable(store, LOCATION)).partitioning).toEqual(partitioning);
  });

  it("follow the hour of the capture in tables that were created before there was a choice", async () => {
    const { metadata } = (await open(emptyStore(), byHour)).snapshot;
    expect(partitioningOf({ ...metadata, configuration: {} })).toEqual(byHour);
  });

  it("can't be chosen anew", async () => {
    const store = emptyStore();
    await open(store, byHour);
    await expect(open(store, { by: "day" })).rejects.toThrow(
      /is partitioned by hour of capture, not by day of capture; leave the choice out/,
    );
    await expect(open(store, { time: "ingest" })).rejects.toMatchObject({ code: "invalid-config" });
  });

  it("are few for photos of three years, and for hours that somebody invented", async () => {
    const table = await open(emptyStore());
    const ingestedAtMs = Date.parse("2026-03-01T07:30:00Z");
    const threeYears = Array.from({ length: 192 }, (_, sourceOffset) =>
      photoRow({ sourceOffset, ingestedAtMs, capturedAtMs: ingestedAtMs - sourceOffset * 5.7 * 86_400_000 }),
    );
    const invented = Array.from({ length: 500 }, (_, index) =>
      photoRow({ sourceOffset: 192 + index, ingestedAtMs, capturedAtMs: ingestedAtMs - index * 3_600_000 }),
    );
    const adds = await writeRows(table, [...threeYears, ...invented]);
    const files = new Map(adds.map((add) => [add.path, add]));
    expect(summarisePartitions({ files })).toMatchObject([{ run: "live", dt: "2026-03-01", files: 1, rows: 692 }]);
    expect(countRows({ files })).toBe(692);
  });
});
