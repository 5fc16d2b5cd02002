import { describe, expect, it } from "vitest";
import { parseIntervalMs, tablePropertiesOf } from "#lib/table/delta/table-properties.ts";

const DAY_MS = 86_400_000;
const propertiesOf = (configuration: Record<string, string>) => tablePropertiesOf({ configuration }, "s3://b/t");

describe("a table's properties", () => {
  it("are the protocol's defaults where the table says nothing, or something that nobody here knows", () => {
    expect(propertiesOf({ "delta.autoOptimize.optimizeWrite": "perhaps", owner: "me" })).toEqual({
      isAppendOnly: false,
      checkpointIntervalVersions: 10,
      hasJsonStatistics: true,
      hasStructStatistics: false,
      logRetentionMs: 30 * DAY_MS,
      mayCleanLog: true,
      deletedFileRetentionMs: 7 * DAY_MS,
      indexedColumnsMax: 32,
      protectedBelowVersion: 0,
    });
    expect(tablePropertiesOf({ configuration: null }, "s3://b/t").checkpointIntervalVersions).toBe(10);
  });

  it("are read whatever the case of their names", () => {
    const properties = propertiesOf({
      "delta.appendonly": "TRUE",
      "delta.checkpointInterval": "100",
      "delta.checkpoint.writeStatsAsJson": "false",
      "delta.checkpoint.writeStatsAsStruct": "true",
      "delta.logRetentionDuration": "interval 1 week 2 days",
      "delta.enableExpiredLogCleanup": "false",
      "delta.deletedFileRetentionDuration": "interval 0 seconds",
      "delta.dataSkippingNumIndexedCols": "-1",
      "delta.requireCheckpointProtectionBeforeVersion": "57",
    });
    expect(properties).toEqual({
      isAppendOnly: true,
      checkpointIntervalVersions: 100,
      hasJsonStatistics: false,
      hasStructStatistics: true,
      logRetentionMs: 9 * DAY_MS,
      mayCleanLog: false,
      deletedFileRetentionMs: 0,
      indexedColumnsMax: Number.POSITIVE_INFINITY,
      protectedBelowVersion: 57,
    });
  });

  it.each([
    ["delta.checkpointInterval", "0"],
    ["delta.checkpointInterval", "ten"],
    ["delta.logRetentionDuration", "interval 1 month"],
    ["delta.deletedFileRetentionDuration", "a week"],
    ["delta.appendOnly", "yes"],
    ["delta.dataSkippingNumIndexedCols", "-2"],
  ])("are refused by name and value: %s = %s", (name, value) => {
    const problem = expect.objectContaining({
      code: "invalid-table",
      message: expect.stringMatching(new RegExp(`^${name} must be .*, got "${value}"; mend it by ALTER TABLE`)),
    });
    expect(() => propertiesOf({ [name]: value })).toThrow(problem as Error);
  });
});

describe("an interval", () => {
  it.each<[text: string, ms: number | undefined]>([
    ["interval 30 days", 30 * DAY_MS],
    ["30 DAYS", 30 * DAY_MS],
    ["interval '7' day", 7 * DAY_MS],
    ["  interval  2 weeks  3 hours ", 14 * DAY_MS + 3 * 3_600_000],
    ["interval 1.5 seconds", 1500],
    ["interval 90 minutes 5 milliseconds 1000 microseconds", 5_400_006],
    ["interval 1 year", undefined],
    ["interval -1 days", undefined],
    ["interval", undefined],
    ["", undefined],
    ["interval 3", undefined],
    ["interval days 3", undefined],
    ["interval 999999999999999 weeks", undefined],
  ])("of %s has %s ms", (text, ms) => {
    expect(parseIntervalMs(text)).toBe(ms);
  });
});
