import { expect, test } from "vitest";
import { photoRule, prefixRule } from "#lib/messages/forgotten-photos.ts";
import { decodeRule, ForgottenTopic, ruleRecord } from "#lib/messages/forgotten-topic.ts";
import { topicShapes, topicsWithPrefix } from "#lib/messages/topics.ts";
import { MemoryRecordLog } from "../../../fakes/memory-record-log.ts";
import { warningsOf } from "../table/table-fixtures.ts";

const topics = topicsWithPrefix("");
const rule = photoRule("s3://photos/1.jpg", 7);

function follow(log: MemoryRecordLog, reads: string[] = []) {
  const { logger, warnings } = warningsOf();
  const counted: Pick<MemoryRecordLog, "readTopic"> = {
    readTopic: async (topic, onRecord, from) => {
      reads.push(topic);
      await log.readTopic(topic, onRecord, from);
    },
  };
  return { forgotten: new ForgottenTopic({ topic: topics.forgotten, log: counted, admin: log, logger }), warnings };
}

test("has what was appended before each look, and reads only what is new", async () => {
  const log = new MemoryRecordLog();
  await log.ensureTopics(topicShapes(topics, 2));
  const reads: string[] = [];
  const { forgotten } = follow(log, reads);
  await forgotten.refresh();
  expect(reads).toEqual([]);
  await log.append(topics.forgotten, [ruleRecord(rule)]);
  expect(forgotten.photos.has("s3://photos/1.jpg", 6)).toBe(false);
  await forgotten.refresh();
  expect(forgotten.photos.has("s3://photos/1.jpg", 6)).toBe(true);
  expect(forgotten.photos.has("s3://photos/1.jpg", 7)).toBe(false);
  await forgotten.refresh();
  expect(reads).toHaveLength(1);
});

test("is empty where there is no such topic, as of an earlier version", async () => {
  const { forgotten } = follow(new MemoryRecordLog());
  await forgotten.refresh();
  expect(forgotten.photos.rules).toEqual([]);
});

test("a record that is no rule is passed over with a warning", async () => {
  const log = new MemoryRecordLog();
  await log.ensureTopics(topicShapes(topics, 2));
  const { forgotten, warnings } = follow(log);
  await log.append(topics.forgotten, [{ key: null, value: Buffer.from("{}") }, ruleRecord(rule)]);
  await forgotten.refresh();
  expect(forgotten.photos.rules).toEqual([rule]);
  expect(warnings).toEqual(["forgotten_rule_unreadable"]);
});

test("a rule's record gives it back, under a key of its own", () => {
  expect(decodeRule(ruleRecord(rule).value)).toEqual(rule);
  expect(String(ruleRecord(rule).key)).not.toBe(String(ruleRecord(prefixRule("s3://photos/1.jpg", 7)).key));
  expect(decodeRule(null)).toBeUndefined();
});
