import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { deflateRawSync, gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeRecordBatches } from "#lib/log/kafka/batches/record-batches.ts";
import { batchOf, lz4Frame, rawRecords, snappyBlock } from "./make-batch.ts";

const FIXTURES = new URL("./fixtures/", import.meta.url);
const BOUNDS = { bytesMax: 1_000_000, recordsMax: 1_000 };

describe("batches of other producers", () => {
  test.each(readdirSync(FIXTURES).filter((name) => name.endsWith(".bin")))("%s", async (name) => {
    const records = await decodeRecordBatches(readFileSync(new URL(name, FIXTURES)), BOUNDS);
    expect(records.map(({ offset }) => offset)).toEqual(Array.from({ length: 300 }, (_, index) => String(index)));
    for (const [index, { key, value }] of records.entries()) {
      expect(key!.toString()).toBe(`key ${index}`);
      if (!value!.equals(expectedValue(index))) throw new Error(`record ${index} of ${name} has another value`);
    }
  });

  function expectedValue(index: number): Buffer {
    if (index !== 7) return Buffer.from(`photo ${index} `.repeat(50));
    return Buffer.concat(Array.from({ length: 64 }, (_, n) => createHash("sha256").update(String(n)).digest()));
  }
});

describe("batches that can't be read", () => {
  const records = rawRecords(["a", "b", "c"]);

  test.each([
    [
      "gzip that expands too far",
      { codec: 1, body: gzipSync(Buffer.alloc(2_000_000)) },
      /gzip: it expands to more than 1000000 bytes/,
    ],
    ["zstd that expands too far", { codec: 4, body: zstdCompressSync(Buffer.alloc(2_000_000)) }, /zstd: it expands/],
    [
      "snappy that says it expands too far",
      { codec: 2, body: Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f]) },
      /snappy: it expands/,
    ],
    [
      "lz4 that expands too far",
      { codec: 3, body: lz4Frame([Buffer.from([0x1f, 0, 1, 0, ...Array(9_000).fill(255), 0])], 7) },
      /lz4: it expands/,
    ],
    [
      "gzip without its header",
      { codec: 1, body: deflateRawSync(records) },
      /gzip: it is not gzip: incorrect header check/,
    ],
    ["a codec that nobody knows", { codec: 6, body: records }, /compression 6: nobody knows this compression/],
    ["records cut short", { codec: 0, body: records.subarray(0, -2) }, /none: its records are cut short/],
    ["more records than it holds", { codec: 0, body: records, count: 9 }, /none: its records are cut short/],
    [
      "more records than are read at once",
      { codec: 0, body: records, count: 1_001 },
      /it has 1001 records; 1000 are read at once/,
    ],
  ])("%s", async (_what, batch, sentence) => {
    const { count = 3 } = batch as { count?: number };
    const broken = batchOf({ ...batch, count, baseOffset: 10n });
    const read = await decodeRecordBatches(
      Buffer.concat([broken, batchOf({ baseOffset: 20n, body: records, count: 3 })]),
      BOUNDS,
    );
    // One record in the place of the last, and reading goes on.
    expect(read.map(({ offset }) => offset)).toEqual([String(10 + count - 1), "20", "21", "22"]);
    expect(read[0]!.key).toBeNull();
    expect(read[0]!.value!.toString()).toMatch(
      /^unreadable record batch: \d+ records, offsets 10 to \d+, compressed by /,
    );
    expect(read[0]!.value!.toString()).toMatch(sentence);
  });

  test("what goes beyond the bounds behind other batches is left for the next fetch, and so is a batch cut off", async () => {
    const batch = (baseOffset: bigint) =>
      batchOf({ baseOffset, codec: 4, body: zstdCompressSync(rawRecords(["x".repeat(600_000)])), count: 1 });
    const bytes = Buffer.concat([batch(0n), batch(1n), batch(2n)]);
    expect((await decodeRecordBatches(bytes, BOUNDS)).map(({ offset }) => offset)).toEqual(["0"]);
    expect(await decodeRecordBatches(batch(0n).subarray(0, -1), BOUNDS)).toEqual([]);
  });
});

test("a batch whose last records are compacted away ends with a control record at its last offset", async () => {
  const batch = batchOf({ baseOffset: 5n, body: rawRecords(["a"]), count: 1, lastOffsetDelta: 3 });
  const read = await decodeRecordBatches(batch, BOUNDS);
  expect(read.map(({ offset, isControlRecord }) => ({ offset, isControlRecord }))).toEqual([
    { offset: "5", isControlRecord: false },
    { offset: "8", isControlRecord: true },
  ]);
});

test("batches of a hundred thousand records are read", async () => {
  const values = Array.from({ length: 100_000 }, () => "");
  const batch = batchOf({ baseOffset: 0n, body: rawRecords(values), count: values.length });
  const read = await decodeRecordBatches(Buffer.concat([batch, batch]), { bytesMax: 2 ** 25, recordsMax: 150_000 });
  expect(read.length).toBe(100_000);
});

test("whatever the bytes of a batch are, a record stands for it, or all that it says it has", async () => {
  const valid = rawRecords(["some", "records"]);
  const bodies = [
    valid,
    gzipSync(valid),
    snappyBlock(valid),
    lz4Frame([lz4Literals(valid)], 4),
    zstdCompressSync(valid),
  ];
  const mutated = fc.record({
    codec: fc.nat({ max: 7 }),
    of: fc.nat({ max: bodies.length - 1 }),
    edits: fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 4 }),
    cut: fc.nat({ max: 20 }),
  });
  await fc.assert(
    fc.asyncProperty(mutated, async ({ codec, of, edits, cut }) => {
      const body = Buffer.from(bodies[of]!.subarray(0, Math.max(1, bodies[of]!.length - cut)));
      for (const [at, byte] of edits) body[at % body.length] = byte;
      const read = await decodeRecordBatches(batchOf({ baseOffset: 0n, codec, body, count: 2 }), BOUNDS);
      expect([1, 2, 3]).toContain(read.length);
    }),
    { numRuns: 500 },
  );
});

function lz4Literals(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0xf0, bytes.length - 15]), bytes]);
}
