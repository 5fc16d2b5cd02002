import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { positionOf, requestsOf, safeOffset, toLogRecord } from "#lib/log/kafka/kafka-records.ts";

/** What a broker accepts of one request by default. */
const MESSAGE_BYTES_MAX = 1_048_576;

describe("requests", () => {
  test("hold every record once, in order, and are as few and as large as a broker accepts", () => {
    const sizes = fc.array(fc.oneof(fc.nat(2_000), fc.integer({ min: 100_000, max: 1_500_000 })), { maxLength: 20 });
    fc.assert(
      fc.property(sizes, (byteLengths) => {
        const records = byteLengths.map((bytes, partition) => ({ partition, key: null, value: new Uint8Array(bytes) }));
        const requests = [...requestsOf(records)];
        expect(requests.flat().map(({ partition }) => partition)).toEqual(records.map(({ partition }) => partition));
        const bytesOf = requests.map((request) => request.reduce((sum, { value }) => sum + value!.length, 0));
        for (const [index, request] of requests.entries()) {
          if (request.length > 1) expect(bytesOf[index]).toBeLessThan(MESSAGE_BYTES_MAX);
          const next = requests[index + 1]?.[0];
          if (next) expect(bytesOf[index]! + next.value!.length).toBeGreaterThan(MESSAGE_BYTES_MAX / 2);
        }
      }),
      { numRuns: 50 },
    );
  });

  test("share the bytes they are given, keys too, and leave the partition of others to their key", () => {
    const bytes = Buffer.from("..key.value..");
    const [request] = requestsOf([{ key: bytes.subarray(2, 5), value: bytes.subarray(6, 11) }]);
    expect(request).toEqual([{ key: Buffer.from("key"), value: Buffer.from("value") }]);
    expect((request![0]!.value as Buffer).buffer).toBe(bytes.buffer);
  });

  test("are none for no records", () => {
    expect([...requestsOf([])]).toEqual([]);
  });
});

test("a record has the client's key and value, and its offset as a number", () => {
  const message = { key: Buffer.from("k"), value: null, offset: "17", timestamp: "0", attributes: 0, headers: {} };
  expect(toLogRecord("t", 3, message)).toEqual({ topic: "t", partition: 3, offset: 17, key: message.key, value: null });
});

test("an append is where the broker says, and nowhere known when it had the records already", () => {
  const answer = { topicName: "t", partition: 2, errorCode: 0 };
  expect(positionOf({ ...answer, baseOffset: "5" })).toEqual({ partition: 2, offset: 5 });
  expect(positionOf({ ...answer, baseOffset: "-1" })).toBeUndefined();
  expect(positionOf(answer)).toBeUndefined();
});

test("an offset that a number can't hold is no offset", () => {
  expect(safeOffset("9007199254740991")).toBe(Number.MAX_SAFE_INTEGER);
  for (const text of ["9007199254740993", "x", "1.5"]) expect(() => safeOffset(text)).toThrow(`offset ${text} is`);
});
