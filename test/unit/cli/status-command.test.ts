import { expect, test } from "vitest";
import { formatStatus } from "#cli/status-command.ts";

const members = { topic: "photos", lag: 3, partitions: [{ partition: 0, done: 7, end: 10, lag: 3 }] };

test("a pipeline's status as a person reads it", () => {
  const status = {
    featurizers: { ...members, group: "g" },
    reducers: { ...members, topic: "features" },
    table: { uri: "s3://a/b", version: 4, rows: 7, known: 3 },
    deadLettersOpen: 2,
    services: [
      { name: "reducer-1", url: "http://127.0.0.1:1", state: "ready" as const, troubles: [] },
      { name: "ingest", url: "http://127.0.0.1:2", state: "not ready" as const, troubles: ["s3: waiting (away)"] },
    ],
  };
  expect(formatStatus(status, "s3://a/b").split("\n")).toEqual([
    "table         s3://a/b, version 4, 7 rows, 3 photos known already",
    "featurizers   3 photos to do",
    "  photos/0  7 of 10, lag 3",
    "reducers      3 vectors to do",
    "  features/0  7 of 10, lag 3",
    "dead letters  2 open",
    "reducer-1     ready, http://127.0.0.1:1",
    "ingest        not ready, http://127.0.0.1:2; s3: waiting (away)",
  ]);
  expect(formatStatus({ ...status, table: null, services: [] }, "s3://a/b")).toMatch(
    /^table {9}none at s3:\/\/a\/b yet\n(?:.*\n)*services {6}none known/,
  );
});
