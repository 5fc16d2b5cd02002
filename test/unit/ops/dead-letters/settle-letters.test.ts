import { expect, test } from "vitest";
import { photoArrivedCodec } from "#lib/messages/avro/avro-codec.ts";
import { decodeDeadLetterRecord } from "#lib/messages/dead-letter.ts";
import { topicShapes, topicsWithPrefix } from "#lib/messages/topics.ts";
import { LetterSettler } from "#ops/dead-letters/settle-letters.ts";
import { MemoryRecordLog } from "../../../fakes/memory-record-log.ts";
import { letterAt } from "./dead-letter.ts";

const topics = topicsWithPrefix("");
const clock = { nowMs: () => 1_000, sleep: async () => undefined };

async function createWorld() {
  const log = new MemoryRecordLog();
  await log.ensureTopics(topicShapes(topics, 2));
  const settler = new LetterSettler(log, topics, clock);
  const marks = () =>
    log.allRecordsOf(topics.deadLetters).map(({ value }) => {
      const record = decodeDeadLetterRecord(value);
      return record.kind === "mark" && { ...record.mark };
    });
  return { log, settler, marks };
}

test("a retried letter's record arrives anew, then the letter is marked with its place", async () => {
  const { log, settler, marks } = await createWorld();
  expect(await settler.retry(letterAt(5))).toBeUndefined();
  const [record, ...others] = log.allRecordsOf(topics.photos);
  expect(others).toEqual([]);
  expect([record!.key, record!.value].map(String)).toEqual(["apple/5.jpg", "photo 5"]);
  const place = { newPartition: record!.partition, newOffset: record!.offset };
  expect(marks()).toEqual([{ letterPartition: 0, letterOffset: 5, outcome: "retried", ...place, markedAtMs: 1_000 }]);
});

test("letters of the same record bring it back once, and all are marked", async () => {
  const { log, settler, marks } = await createWorld();
  await settler.retry(letterAt(5, { sourceOffset: 7 }));
  await settler.retry(letterAt(6, { sourceOffset: 7 }));
  expect(log.allRecordsOf(topics.photos)).toHaveLength(1);
  expect(marks()).toMatchObject([
    { letterOffset: 5, newOffset: 0 },
    { letterOffset: 6, newOffset: 0 },
  ]);
});

test("letters of a photo version that was announced twice bring it back once, those of other contents as well", async () => {
  const { log, settler, marks } = await createWorld();
  const photo = {
    bucket: "photos",
    key: "a.jpg",
    sizeBytes: 1,
    label: null,
    capturedAtMs: 1,
    capturedAtSource: "object",
    ingestedAtMs: 1,
    traceparent: null,
  };
  const letter = (offset: number, etag: string) =>
    letterAt(offset, { originalValue: photoArrivedCodec.encode({ ...photo, etag }) });
  for (const each of [letter(5, "e"), letter(6, "e"), letter(7, "f")]) await settler.retry(each);
  expect(log.allRecordsOf(topics.photos).map(({ value }) => photoArrivedCodec.decode(value).etag)).toEqual(["e", "f"]);
  expect(marks()).toHaveLength(3);
});

test("a dropped letter is marked and nothing arrives", async () => {
  const { log, settler, marks } = await createWorld();
  await settler.drop(letterAt(5));
  expect(log.allRecordsOf(topics.photos)).toEqual([]);
  expect(marks()).toMatchObject([{ letterOffset: 5, outcome: "dropped", newPartition: null, newOffset: null }]);
});

test.each([
  [{ originalValue: null }, /too large for a letter; announce the photo anew: .*s3:\/\/photos\/apple\/5.jpg/],
  [{ run: "second" }, /its run is "second".*--from 1:105 --to 1:106/],
  [{ sourceTopic: "features" }, /it is a vector, and the table is past it/],
])("a letter with %j is refused, with what to do instead", async (change, message) => {
  const { log, settler } = await createWorld();
  expect(await settler.retry(letterAt(5, change))).toMatch(message);
  expect(log.allRecordsOf(topics.photos)).toEqual([]);
  expect(log.allRecordsOf(topics.deadLetters)).toEqual([]);
});
