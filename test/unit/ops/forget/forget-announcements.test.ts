import { afterEach, beforeEach, expect, test } from "vitest";
import { photoArrivedCodec } from "#lib/messages/avro/avro-codec.ts";
import { ForgottenPhotos, prefixRule } from "#lib/messages/forgotten-photos.ts";
import { eraseAnnouncements, findRecords } from "#ops/forget/forget-announcements.ts";
import { FEATURIZER_GROUP } from "#ops/local/local-workplace.ts";
import { openFolderPipeline } from "../../../fakes/folder-pipeline.ts";

let pipeline: Awaited<ReturnType<typeof openFolderPipeline>>;
beforeEach(async () => {
  pipeline = await openFolderPipeline(1);
});
afterEach(() => pipeline[Symbol.asyncDispose]());

const forgotten = new ForgottenPhotos([prefixRule("s3://photos/alice/", null)]);

async function announce(keys: readonly string[]): Promise<void> {
  const times = { capturedAtMs: 1, capturedAtSource: null, ingestedAtMs: 1 };
  const records = keys.map((key) => {
    const photo = { bucket: "photos", key, etag: "e", sizeBytes: 1, label: null, ...times, traceparent: null };
    return { partition: 0, key: Buffer.from(key), value: photoArrivedCodec.encode(photo) };
  });
  await pipeline.producer.append(pipeline.topics.photos, records);
}

test("announcements are found by their photos, and what can't be read is none", async () => {
  await announce(["alice/1.jpg", "bob/1.jpg", "alice/2.jpg"]);
  await pipeline.producer.append(pipeline.topics.photos, [{ partition: 0, key: null, value: Buffer.from("poison") }]);
  expect((await findRecords(pipeline, pipeline.topics.photos, forgotten)).map(({ offset }) => offset)).toEqual([0, 2]);
  expect(await findRecords(pipeline, "no such topic", forgotten)).toEqual([]);
});

test("those that are done are removed; one that is still to be read stays, and is passed over by its reader", async () => {
  await announce(["alice/1.jpg", "bob/1.jpg", "alice/2.jpg"]);
  const { admin, topics } = pipeline;
  await admin.commitOffsets(FEATURIZER_GROUP, topics.photos, [{ partition: 0, offset: 2 }]);
  await eraseAnnouncements(pipeline, forgotten);
  expect((await findRecords(pipeline, topics.photos, forgotten)).map(({ offset }) => offset)).toEqual([2]);
  await admin.commitOffsets(FEATURIZER_GROUP, topics.photos, [{ partition: 0, offset: 3 }]);
  await eraseAnnouncements(pipeline, forgotten);
  const left: string[] = [];
  await pipeline.log.readTopic(topics.photos, ({ key }) => void left.push(String(key)));
  expect(left).toEqual(["bob/1.jpg"]);
});
