import { expect, test } from "vitest";
import { deadLetterCodec, deadLetterMarkCodec, photoArrivedCodec } from "#lib/messages/avro/avro-codec.ts";
import { decodeDeadLetterRecord } from "#lib/messages/dead-letter-record.ts";
import type { DeadLetter, DeadLetterMark } from "#lib/messages/messages.ts";

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
  const other = photoArrivedCodec.encode({ ...arrived, capturedAtMs: 1, ingestedAtMs: 1 });
  for (const bytes of [null, new Uint8Array(), other]) {
    expect(() => decodeDeadLetterRecord(bytes)).toThrow(expect.objectContaining({ code: "poison-message" }));
  }
});
