import { expect, test } from "vitest";
import { topicConfig } from "#lib/log/kafka/topic-settings.ts";

const shape = { topic: "t", partitions: 1 };

test.each([
  { replicas: undefined, min: undefined },
  { replicas: 1, min: undefined },
  { replicas: 2, min: "2" },
  { replicas: 3, min: "2" },
])("of $replicas copies $min must have a record before it is acknowledged", ({ replicas, min }) => {
  const config = Object.fromEntries(topicConfig(shape, replicas).map(({ name, value }) => [name, value]));
  expect(config["min.insync.replicas"]).toBe(min);
});

test.each([
  { keep: undefined, policy: undefined, ms: undefined, segmentMs: undefined },
  { keep: 3_600_000, policy: "delete", ms: "3600000", segmentMs: "3600000" },
  { keep: 30 * 86_400_000, policy: "delete", ms: "2592000000", segmentMs: "86400000" },
  { keep: "for-ever", policy: "delete", ms: "-1", segmentMs: undefined },
  { keep: "compacted", policy: "compact", ms: undefined, segmentMs: undefined },
] as const)("what is to be kept $keep is kept whatever the broker's defaults", ({ keep, policy, ms, segmentMs }) => {
  const config = Object.fromEntries(
    topicConfig(keep === undefined ? shape : { ...shape, keep }, 1).map(({ name, value }) => [name, value]),
  );
  expect(config["cleanup.policy"]).toBe(policy);
  expect(config["retention.ms"]).toBe(ms);
  expect(config["segment.ms"]).toBe(segmentMs);
  expect(config["message.timestamp.type"]).toBe("LogAppendTime");
});
