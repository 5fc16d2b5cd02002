import { describe, expect, test } from "vitest";
import { parseBound, resolveRanges } from "#ops/replay/replay-range.ts";
import { MemoryRecordLog } from "../../../fakes/memory-record-log.ts";

describe("bounds", () => {
  test("are earliest, a time, or offsets", () => {
    expect(parseBound("earliest", "--from")).toEqual({ kind: "earliest" });
    const offsets = [
      { partition: 0, offset: 3 },
      { partition: 1, offset: 7 },
    ];
    expect(parseBound("1:7,0:3", "--from")).toEqual({ kind: "offsets", offsets });
    expect(parseBound("2026-01-31T12:00:00Z", "--to")).toEqual({ kind: "time", timeMs: Date.UTC(2026, 0, 31, 12) });
    expect(parseBound("2026-01-31", "--to")).toEqual({ kind: "time", timeMs: Date.UTC(2026, 0, 31) });
  });

  test.each(["yesterday", "0", "2026", "2026-13-01", "31.01.2026"])("%s is none", (text) => {
    expect(() => parseBound(text, "--to")).toThrow(/--to must be earliest, a time .*, got "/);
  });
});

describe("ranges", () => {
  test("reach from the earliest record to the end now", async () => {
    const log = await logOf(4, 2);
    expect(await resolveRanges(log, "t", { kind: "earliest" }, undefined)).toEqual([
      { partition: 0, from: 0, to: 4 },
      { partition: 1, from: 0, to: 2 },
    ]);
  });

  test("leave out partitions that a bound does not name", async () => {
    const log = await logOf(4, 2);
    const from = parseBound("0:1", "--from");
    expect(await resolveRanges(log, "t", from, undefined)).toEqual([{ partition: 0, from: 1, to: 4 }]);
    expect(await resolveRanges(log, "t", { kind: "earliest" }, parseBound("1:2", "--to"))).toEqual([
      { partition: 1, from: 0, to: 2 },
    ]);
  });

  test("follow the time of appending", async () => {
    const log = await logOf(4, 2);
    const before = { kind: "time", timeMs: 0 } as const;
    const after = { kind: "time", timeMs: Date.now() + 60_000 } as const;
    expect(await resolveRanges(log, "t", before, after)).toEqual([
      { partition: 0, from: 0, to: 4 },
      { partition: 1, from: 0, to: 2 },
    ]);
    expect(await resolveRanges(log, "t", after, undefined)).toEqual([
      { partition: 0, from: 4, to: 4 },
      { partition: 1, from: 2, to: 2 },
    ]);
  });

  test.each([
    ["0:5", "", /offset 5 of partition 0, which has records from 0 up to 4/],
    ["7:0", "", /partition 7, which is not there/],
    ["earliest", "1:3", /--to names offset 3 of partition 1/],
    ["0:3", "0:2", /partition 0 would be replayed from 3 to 2/],
  ])("from %s to %s is refused", async (from, to, message) => {
    const log = await logOf(4, 2);
    const resolving = resolveRanges(log, "t", parseBound(from, "--from"), to ? parseBound(to, "--to") : undefined);
    await expect(resolving).rejects.toThrow(message);
  });
});

async function logOf(...counts: readonly number[]): Promise<MemoryRecordLog> {
  const log = new MemoryRecordLog();
  await log.ensureTopics([{ topic: "t", partitions: counts.length }]);
  for (const [partition, count] of counts.entries()) {
    const records = Array.from({ length: count }, () => ({ partition, key: null, value: Buffer.from("v") }));
    await log.append("t", records);
  }
  return log;
}
