import { expect, test } from "vitest";
import { photoArrivedCodec } from "#lib/messages/avro/avro-codec.ts";
import type { PhotoArrived } from "#lib/messages/messages.ts";
import { readPhotoRecord } from "#services/featurizer/photo-record.ts";

const photo: PhotoArrived = {
  bucket: "photos",
  key: "photos/gro\u0308\u00dfe/1.jpg",
  etag: "0123",
  sizeBytes: 1,
  label: "gro\u0308\u00dfe",
  capturedAtMs: 1,
  capturedAtSource: "object",
  ingestedAtMs: 1,
  traceparent: null,
};

function read(changes: Partial<PhotoArrived>) {
  const value = photoArrivedCodec.encode({ ...photo, ...changes });
  const record = { topic: "photos", partition: 0, offset: 0, timestampMs: 0, key: null, value };
  return readPhotoRecord(record, new Set(["photos"]));
}

test("a label comes out in normal form C, its key as it was announced", () => {
  expect(read({})).toMatchObject({ label: "gr\u00f6\u00dfe", key: photo.key });
  expect(read({ label: null })).toMatchObject({ label: null });
});

test("a label with a character that can't be seen, and another bucket, make a dead letter", () => {
  expect(read({ label: "ki\u200bwi" })).toMatchObject({
    code: "poison-message",
    message: expect.stringContaining("U+200B"),
  });
  expect(read({ bucket: "others" })).toMatchObject({
    code: "poison-message",
    message: expect.stringContaining("others"),
  });
});
