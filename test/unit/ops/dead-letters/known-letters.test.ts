import { afterEach, beforeEach, expect, test } from "vitest";
import { deadLetterCodec, photoArrivedCodec } from "#lib/messages/avro/avro-codec.ts";
import { openTable } from "#lib/table/open-table.ts";
import { writeRows } from "#lib/table/table-files.ts";
import { findKnownLetters } from "#ops/dead-letters/known-letters.ts";
import { letterTest } from "#ops/dead-letters/letter-filter.ts";
import { readLetters } from "#ops/dead-letters/read-letters.ts";
import { openFolderPipeline } from "../../../fakes/folder-pipeline.ts";
import { photoRow } from "../../lib/table/photo-rows.ts";
import { emptyStore, LOCATION, requestOf } from "../../lib/table/table-fixtures.ts";
import { letterAt } from "./dead-letter.ts";

let pipeline: Awaited<ReturnType<typeof openFolderPipeline>>;
beforeEach(async () => {
  pipeline = await openFolderPipeline(2);
});
afterEach(() => pipeline[Symbol.asyncDispose]());

/** A letter of a photo of this key and content. */
function letterOf(offset: number, key: string, etag: string): Uint8Array {
  const arrived = {
    ...{ bucket: "photos", key, etag, sizeBytes: 1, label: null, run: "live", traceparent: null },
    ...{ capturedAtMs: 0, capturedAtSource: null, ingestedAtMs: 0 },
  };
  const change = { uri: `s3://photos/${key}`, originalValue: photoArrivedCodec.encode(arrived as never) };
  return deadLetterCodec.encode(letterAt(offset, change).letter);
}

test("a letter is known when the table has its photo version, not another content of the photo", async () => {
  const { topics, producer } = pipeline;
  const values = [
    letterOf(0, "apple/a.jpg", "one"),
    letterOf(1, "apple/a.jpg", "two"),
    letterOf(2, "pear/b.jpg", "one"),
    deadLetterCodec.encode(letterAt(3).letter),
  ];
  await producer.append(
    topics.deadLetters,
    values.map((value) => ({ partition: 0, key: null, value })),
  );
  const table = await openTable(emptyStore(), LOCATION, { createIfAbsent: true });
  const rows = [photoRow({ path: "s3://photos/apple/a.jpg", photoEtag: "one" })];
  await table.commit(requestOf(table, ["a"], await writeRows(table, rows)));

  const isKnown = await findKnownLetters(pipeline, table, letterTest({}));

  const known: boolean[] = [];
  await readLetters(pipeline, (placed) => void known.push(isKnown(placed)));
  expect(known).toEqual([true, false, false, false]);
});

test("no letter is known where none is admitted", async () => {
  const table = await openTable(emptyStore(), LOCATION, { createIfAbsent: true });
  const isKnown = await findKnownLetters(pipeline, table, letterTest({ reason: "not-found" }));
  expect(isKnown(letterAt(0))).toBe(false);
});
