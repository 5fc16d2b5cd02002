import { expect, test } from "vitest";
import { parseCommitLines } from "#bench/pipeline/commit-lines.ts";

test("commits are read from a reducer's log, whatever else is in it", () => {
  const log = [
    '{"level":30,"time":"2026-01-01T12:00:00.000Z","msg":"partitions assigned"}',
    '{"level":30,"time":"2026-01-01T12:00:01.250Z","version":3,"rows":120,"files":1,"tookMs":40,"msg":"committed"}',
    "a line of another program",
    "",
  ].join("\n");
  expect(parseCommitLines(log)).toEqual([
    { version: 3, rows: 120, tookMs: 40, atMs: Date.UTC(2026, 0, 1, 12, 0, 1, 250) },
  ]);
});
