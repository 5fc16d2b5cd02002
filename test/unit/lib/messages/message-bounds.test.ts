import { expect, test } from "vitest";
import { requireUsablePhoto, requireUsableVector } from "#lib/messages/message-bounds.ts";
import type { PhotoArrived, PhotoFeatures } from "#lib/messages/messages.ts";

const photo: PhotoArrived = {
  bucket: "photos",
  key: "k".repeat(1_024),
  etag: "0123",
  sizeBytes: 0,
  label: "ü".repeat(256),
  capturedAtMs: 1,
  capturedAtSource: "exif-gps",
  ingestedAtMs: 1,
  traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
};
const vector: PhotoFeatures = {
  ...photo,
  run: "live",
  sourceTopic: "a.photos",
  sourcePartition: 0,
  sourceOffset: 0,
  model: "mobilenet_v2-0123456789ab",
  widthPx: 1,
  heightPx: 1,
  featurizedAtMs: 1,
  features: Float32Array.of(1),
  predictions: Array.from({ length: 100 }, () => ({ label: "apple", score: 0.01 })),
};

test("what lies just within the bounds is usable", () => {
  expect(() => requireUsablePhoto(photo)).not.toThrow();
  expect(() => requireUsablePhoto({ ...photo, label: null, capturedAtSource: null, traceparent: null })).not.toThrow();
  expect(() => requireUsableVector(vector)).not.toThrow();
  expect(() => requireUsableVector({ ...vector, predictions: null })).not.toThrow();
});

const poison = (problem: RegExp) =>
  expect.objectContaining({ code: "poison-message", message: expect.stringMatching(problem) });

test("a value of megabytes is named with its size, not repeated", () => {
  const error = (() => {
    try {
      requireUsablePhoto({ ...photo, label: "l".repeat(2_000_000) });
    } catch (thrown) {
      return thrown as Error;
    }
  })();
  expect(error).toEqual(poison(/^the message's label may have 512 bytes of UTF-8, got "l+" \(2000000 bytes\)$/));
  expect(error!.message.length).toBeLessThan(400);
});

test.each<[Partial<PhotoFeatures>, RegExp]>([
  [{ bucket: "b".repeat(64) }, /bucket can't be one of S3/],
  [{ key: "ü".repeat(513) }, /key can't be one of S3/],
  [{ label: "ü".repeat(257) }, /label may have 512 bytes of UTF-8/],
  [{ capturedAtSource: "s".repeat(33) }, /source of the captured time must be 1 to 32 small letters/],
  [{ capturedAtSource: "" }, /source of the captured time must be/],
  [{ traceparent: "0".repeat(129) }, /traceparent may have 128 characters/],
  [{ run: "../x" }, /run must be .*, got "\.\.\/x"$/],
  [{ run: "r".repeat(65) }, /run must be/],
  [{ model: "../.." }, /model must be .*, got "\.\.\/\.\."$/],
  [{ model: "net" }, /model must be/],
  [{ model: "a/b-0123456789ab" }, /model must be/],
  [{ model: "net-0123456789AB" }, /model must be/],
  [{ sourceTopic: "a/b" }, /source topic can't be one of Kafka, got "a\/b"$/],
  [{ sourcePartition: -1 }, /source partition can't be negative, got -1$/],
  [{ sourceOffset: -1 }, /source offset can't be negative, got -1$/],
  [{ widthPx: 0 }, /size in pixels must be above 0, got "0 × 1"$/],
  [
    { predictions: Array.from({ length: 101 }, () => ({ label: "a", score: 0 })) },
    /number of predictions .*, got 101$/,
  ],
  [{ predictions: [{ label: "l".repeat(513), score: 0 }] }, /prediction's label may have 512 bytes/],
  [{ predictions: [{ label: "l", score: Number.NaN }] }, /prediction's score must be finite, got "NaN"$/],
])("a vector with %j is poison", (wrong, problem) => {
  expect(() => requireUsableVector({ ...vector, ...wrong })).toThrow(poison(problem));
});

test.each<[Partial<PhotoArrived>, RegExp]>([
  [{ label: "ap\u200bple" }, /^the photo can't be taken: its label, .* holds U\+200B/],
  [{ label: "a\tb" }, /its label, .* holds U\+0009/],
  [{ key: "photos/kiwi/\u202egpj.jpg" }, /its name holds U\+202E/],
])("a photo with %j is poison", (wrong, problem) => {
  expect(() => requireUsablePhoto({ ...photo, ...wrong })).toThrow(poison(problem));
});

test("a vector that was published with such a name is taken", () => {
  expect(() => requireUsableVector({ ...vector, label: "ap\u200bple" })).not.toThrow();
});
