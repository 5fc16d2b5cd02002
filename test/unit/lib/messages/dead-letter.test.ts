import { expect, test } from "vitest";
import { deadLetterCodec, deadLetterMarkCodec, photoArrivedCodec } from "#lib/messages/avro/avro-codec.ts";
import { deadLetterOf, decodeDeadLetterRecord } from "#lib/messages/dead-letter.ts";
import type { DeadLetter, DeadLetterMark } from "#lib/messages/messages.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";

const context = { run: "live", uri: null, traceparent: null, nowMs: 7 };
const record = (key: Uint8Array | null, value: Uint8Array | null) => ({
  ...{ topic: "photos", partition: 2, offset: 5 },
  key,
  value,
});
const error = new FruitstreamError("corrupt-image", "it can't be decoded");

test("a letter carries its record, position and reason", () => {
  expect(deadLetterOf(record(Buffer.from("k"), Buffer.from("v")), error, context)).toMatchObject({
    ...{ sourceTopic: "photos", sourcePartition: 2, sourceOffset: 5, run: "live", failedAtMs: 7 },
    ...{ reason: "corrupt-image", detail: "it can't be decoded" },
    ...{ originalKey: Buffer.from("k"), originalValue: Buffer.from("v") },
  });
});

test("a letter always fits into a record of Kafka's default size", () => {
  const huge = new Uint8Array(1_040_000);
  const longWinded = new FruitstreamError("corrupt-image", "x".repeat(1_000_000));
  const letter = deadLetterOf(record(huge, huge), longWinded, context);
  expect(letter).toMatchObject({ originalKey: null, originalValue: null });
  expect(letter.detail).toMatch(/read it at its source position$/);
  expect(deadLetterCodec.encode(letter).byteLength).toBeLessThan(1_000_000);
});

test("a long key, which travels twice, leaves room for the value", () => {
  const letter = deadLetterOf(record(Buffer.alloc(500_000), Buffer.alloc(500_000)), error, context);
  const bytes = deadLetterCodec.encode(letter).byteLength + (letter.originalKey?.byteLength ?? 0);
  expect(bytes).toBeLessThan(1_000_000);
  expect(letter.originalValue).toHaveLength(500_000);
});

const letter: DeadLetter = {
  run: "live",
  sourceTopic: "photos",
  sourcePartition: 1,
  sourceOffset: 2,
  reason: "not-found",
  detail: "it is gone",
  uri: "s3://b/k",
  failedAtMs: 3,
  originalKey: null,
  originalValue: Buffer.from("v"),
  traceparent: null,
};
const mark: DeadLetterMark = {
  letterPartition: 0,
  letterOffset: 9,
  outcome: "retried",
  newPartition: 1,
  newOffset: null,
  markedAtMs: 4,
};

test("letters and marks of one topic are told apart", () => {
  expect(decodeDeadLetterRecord(deadLetterCodec.encode(letter))).toMatchObject({ kind: "letter", letter });
  const decoded = decodeDeadLetterRecord(deadLetterMarkCodec.encode(mark));
  expect(decoded.kind === "mark" && { ...decoded.mark }).toEqual(mark);
});

test("anything else is a poison message", () => {
  const arrived = { bucket: "b", key: "k", etag: "e", sizeBytes: 1, label: null, traceparent: null };
  const other = photoArrivedCodec.encode({ ...arrived, capturedAtMs: 1, capturedAtSource: null, ingestedAtMs: 1 });
  for (const bytes of [null, new Uint8Array(), other]) {
    expect(() => decodeDeadLetterRecord(bytes)).toThrow(expect.objectContaining({ code: "poison-message" }));
  }
});
