import { expect, test } from "vitest";
import { photoArrivedCodec } from "#lib/messages/avro/avro-codec.ts";
import type { PhotoArrived } from "#lib/messages/messages.ts";
import { readPhotoRecord } from "#services/featurizer/photo-record.ts";

const photo: PhotoArrived = {
  bucket: "photos",
  key: "Äpfel/ü 1.jpg",
  etag: "0123abcd-2",
  sizeBytes: 0,
  label: null,
  capturedAtMs: 1,
  capturedAtSource: "object",
  ingestedAtMs: 1,
  traceparent: null,
};
const read = (value: Uint8Array) =>
  readPhotoRecord({ topic: "photos", partition: 0, offset: 0, key: null, value }, new Set(["photos", "more"]));

test("a photo that S3 can hold is read", () => {
  expect({ ...read(photoArrivedCodec.encode(photo)) }).toEqual(photo);
});

test.each([
  { bucket: "" },
  { bucket: "arn:aws:s3:::x" },
  { bucket: "b".repeat(64) },
  { key: "" },
  { key: "k".repeat(1_025) },
  { key: "ü".repeat(513) },
  { label: "l".repeat(513) },
  { label: "ü".repeat(257) },
  { traceparent: "0".repeat(129) },
  { traceparent: "00-\n" },
  { etag: "" },
  { etag: 'a"b' },
  { etag: "a\nb" },
  { etag: "ü" },
  { sizeBytes: -1 },
])("%j is poison, and the field is named", (wrong) => {
  const field = Object.keys(wrong)[0]!.replace("Bytes", "");
  expect(read(photoArrivedCodec.encode({ ...photo, ...wrong }))).toMatchObject({
    code: "poison-message",
    message: expect.stringContaining(`message's ${field}`),
  });
});

test("what is no message is poison", () => {
  expect(read(Buffer.from("junk"))).toMatchObject({ code: "poison-message" });
});

test("a photo of any of the allowed buckets is read, of another it is poison", () => {
  expect(read(photoArrivedCodec.encode({ ...photo, bucket: "more" }))).toMatchObject({ bucket: "more" });
  expect(read(photoArrivedCodec.encode({ ...photo, bucket: "payroll" }))).toMatchObject({
    code: "poison-message",
    message: 'the photo is announced in bucket "payroll"; FEATURIZER_BUCKETS allows photos, more',
  });
});

test("a label comes out in normal form C, its key as it was announced", () => {
  const key = "gro\u0308\u00dfe/1.jpg";
  const announced = photoArrivedCodec.encode({ ...photo, key, label: "gro\u0308\u00dfe" });
  expect(read(announced)).toMatchObject({ label: "gr\u00f6\u00dfe", key });
});

test("a label or a name with a character that can't be seen is poison, and the character is named", () => {
  const of = (wrong: Partial<PhotoArrived>) => read(photoArrivedCodec.encode({ ...photo, ...wrong }));
  const naming = (character: string) => ({
    code: "poison-message",
    message: expect.stringContaining(character) as string,
  });
  expect(of({ label: "ki\u200bwi" })).toMatchObject(naming("U+200B"));
  expect(of({ key: "kiwi/\u202egpj.jpg" })).toMatchObject(naming("U+202E"));
});
