import avro from "avsc";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { avroCodec, photoArrivedCodec, photoFeaturesCodec } from "#lib/messages/avro/avro-codec.ts";
import { formatSchema, parseSchema, readPublishedSchemas } from "#lib/messages/avro/avro-schemas.ts";
import { emptyItemsIn, requireBounded } from "#lib/messages/avro/body-bounds.ts";
import { KnownSchemas } from "#lib/messages/avro/known-schemas.ts";
import { HEADER_BYTES, singleObjectHeader } from "#lib/messages/avro/single-object.ts";
import type { PhotoArrived, PhotoFeatures } from "#lib/messages/messages.ts";
import { unreadableBatch } from "#lib/messages/unreadable-batch.ts";
import { deadLetterReasonOf, FruitstreamError } from "#lib/runtime/errors.ts";
import { propertyRuns } from "../../../../property-runs.ts";

const published = readPublishedSchemas();
const arrived: PhotoArrived = {
  bucket: "photos",
  key: "apples/1.jpg",
  etag: "0123",
  sizeBytes: 1_000,
  label: "apples",
  capturedAtMs: 1,
  capturedAtSource: "object",
  ingestedAtMs: 2,
  traceparent: null,
};
const features: PhotoFeatures = {
  run: "live",
  sourceTopic: "photos",
  sourcePartition: 1,
  sourceOffset: 7,
  model: "net-0123456789ab",
  bucket: "photos",
  key: "apples/1.jpg",
  etag: "0123",
  label: "apples",
  widthPx: 10,
  heightPx: 20,
  capturedAtMs: 1,
  capturedAtSource: "object",
  ingestedAtMs: 2,
  featurizedAtMs: 3,
  features: Float32Array.of(1, 2, 3),
  predictions: [
    { label: "apple", score: 0.5 },
    { label: "pear", score: 0.25 },
  ],
  traceparent: null,
};

/** A number as Avro writes it. */
const long = (value: number) => avro.Type.forSchema("long").toBuffer(value);

describe("what any value of a schema takes is walked to its last byte", () => {
  const schemas = [
    '"string"',
    '{"type": "array", "items": ["null", "long", {"type": "map", "values": "double"}]}',
    '{"type": "record", "name": "R", "fields": [{"name": "e", "type": {"type": "enum", "name": "E", "symbols": ["A", "B"]}}, {"name": "f", "type": {"type": "fixed", "name": "F", "size": 3}}, {"name": "b", "type": "boolean"}, {"name": "r", "type": ["null", "R"]}]}',
    ...published.map(formatSchema),
  ];
  test.each(schemas)("%s", (schema) => {
    const { type } = parseSchema(schema);
    for (let round = 0; round < 50; round++) {
      const bytes = type.toBuffer(type.random());
      expect(() => requireBounded(type, bytes)).not.toThrow();
      expect(() => requireBounded(type, bytes.subarray(0, -1))).toThrow();
      expect(() => requireBounded(type, Buffer.concat([bytes, Buffer.of(0)]))).toThrow("1 bytes are left over");
    }
  });
});

describe("lengths and counts that the bytes can't hold", () => {
  const arrays = avro.Type.forSchema({ type: "array", items: "long" });
  const nulls = avro.Type.forSchema({ type: "array", items: "null" });
  const maps = avro.Type.forSchema({ type: "map", values: "null" });
  // Two fields of the one below, twenty-five times: 33 million empty records in no byte at all.
  const doubling = Array.from({ length: 25 }).reduce<object>(
    (inner, _, level) => ({
      type: "record",
      name: `R${level}`,
      fields: [
        { name: "a", type: inner },
        { name: "b", type: level === 0 ? "null" : `R${level - 1}` },
      ],
    }),
    { type: "record", name: "Empty", fields: [] },
  );

  test.each([
    { name: "a count of 4·10⁹", type: arrays, body: long(4e9), problem: /announces 4000000000 items of its array/ },
    { name: "the same as a block", type: arrays, body: Buffer.concat([long(-4e9), long(1)]), problem: /4000000000/ },
    {
      name: "a block of fewer bytes",
      type: arrays,
      body: Buffer.concat([long(-1), long(-9), long(1), long(0)]),
      problem: /announces -9 bytes of items where there are 1/,
    },
    { name: "items of no bytes", type: nulls, body: Buffer.concat([long(1e8), long(0)]), problem: /100000000 items/ },
    { name: "a map", type: maps, body: long(1e15), problem: /1000000000000000 items of its map/ },
    {
      name: "a negative length",
      type: avro.Type.forSchema("bytes"),
      body: long(-5),
      problem: /announces -5 bytes of bytes/,
    },
    {
      name: "a long text",
      type: avro.Type.forSchema("string"),
      body: long(2 ** 40),
      problem: /1099511627776 bytes of string/,
    },
    {
      name: "a number without an end",
      type: avro.Type.forSchema("long"),
      body: Buffer.alloc(11, 0x80),
      problem: /more than 10 bytes/,
    },
    {
      name: "no such branch",
      type: avro.Type.forSchema(["null", "int"]),
      body: long(2),
      problem: /branch of a union 2 of 2/,
    },
    {
      name: "values without bytes",
      type: avro.Type.forSchema(doubling as avro.Schema),
      body: Buffer.alloc(0),
      problem: /more values than its 0 bytes can hold/,
    },
  ])("$name", ({ type, body, problem }) => {
    expect(() => requireBounded(type, body)).toThrow(problem);
  });

  test("a message of 4·10⁹ predictions is poison, and takes no memory", () => {
    const honest = Buffer.from(photoFeaturesCodec.encode({ ...features, predictions: [] }));
    // Predictions: branch 1 of the union, no items; no traceparent: branch 0.
    expect([...honest.subarray(-3)]).toEqual([2, 0, 0]);
    const forged = Buffer.concat([honest.subarray(0, -2), long(4e9), Buffer.of(0, 0)]);
    expect(() => photoFeaturesCodec.decode(forged)).toThrow(
      expect.objectContaining({ code: "poison-message", message: expect.stringMatching(/announces 4000000000 items/) }),
    );
  });
});

describe("schemas by which no message can be bounded", () => {
  const empty = { type: "record", name: "Empty", fields: [] };
  const nested = { type: "record", name: "Outer", fields: [{ name: "inner", type: empty }] };
  test.each([
    ["null", "array of null"],
    [empty, "array of Empty"],
    [nested, "array of Outer"],
    [{ type: "fixed", name: "Nothing", size: 0 }, "array of Nothing"],
  ])("items %j", (items, found) => {
    expect(emptyItemsIn(avro.Type.forSchema({ type: "array", items } as avro.Schema))).toBe(found);
  });

  test("none of ours has any", () => {
    for (const { type, file } of published) expect(emptyItemsIn(type), file).toBeUndefined();
  });

  test("one that was learnt from the topic is refused, and its messages say so", () => {
    const [v1] = published.filter(({ message }) => message === "photo-arrived");
    const { fields, ...record } = JSON.parse(formatSchema(v1!));
    const text = JSON.stringify({
      ...record,
      fields: [{ name: "x", type: { type: "array", items: "null" } }, ...fields],
    });
    const { fingerprint } = parseSchema(text);
    const known = new KnownSchemas(published);
    expect(() => known.learn(fingerprint, text)).toThrow(/items that may take no bytes \(array of null\)/);
    const message = Buffer.concat([singleObjectHeader(fingerprint), long(4e9)]);
    expect(() => avroCodec("photo-arrived", known).decode(message)).toThrow(
      expect.objectContaining({
        code: "poison-message",
        message: expect.stringMatching(/on the topic of schemas is refused: it has items that may take no bytes/),
      }),
    );
  });

  test("one that is too long", () => {
    const known = new KnownSchemas(published);
    expect(() => known.learn(1n, " ".repeat(65_537))).toThrow(/65537 characters; 65536 are the most/);
  });
});

describe("what is no message says what it is", () => {
  test.each([
    { name: "a tombstone", bytes: null, problem: /it has no value \(a tombstone\)/ },
    {
      name: "what stands for a batch that can't be read",
      bytes: unreadableBatch("3 records, compressed by zstd: it expands to more than 9 bytes"),
      problem: /stands for an unreadable record batch: 3 records, compressed by zstd: it expands/,
    },
    {
      name: "Confluent framing",
      bytes: Buffer.concat([Buffer.of(0, 0, 0, 1, 44), photoArrivedCodec.encode(arrived).subarray(HEADER_BYTES)]),
      problem: /framed for a Confluent schema registry \(magic byte 0, schema id 300\)/,
    },
    { name: "nothing", bytes: Buffer.alloc(0), problem: /begins with "" instead of the marker c301/ },
  ])("$name", ({ bytes, problem }) => {
    const poison = expect.objectContaining({ code: "poison-message", message: expect.stringMatching(problem) });
    expect(() => photoArrivedCodec.decode(bytes)).toThrow(poison);
    expect(() => photoFeaturesCodec.decode(bytes)).toThrow(poison);
  });
});

describe("valid records, mutated", () => {
  const mutation = fc.record({
    at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    removed: fc.nat({ max: 8 }),
    inserted: fc.oneof(fc.uint8Array({ maxLength: 12 }), fc.maxSafeInteger().map(half).map(long)),
  });
  const mutations = fc.array(mutation, { minLength: 1, maxLength: 4 });

  /** Small steps below avsc's largest number. */
  function half(value: number): number {
    return Math.trunc(value / 2);
  }

  test.each([
    { name: "photo-arrived", codec: photoArrivedCodec, valid: photoArrivedCodec.encode(arrived) },
    { name: "photo-features", codec: photoFeaturesCodec, valid: photoFeaturesCodec.encode(features) },
  ])("$name: decoded within a bound, or poison, and nothing else", ({ codec, valid }) => {
    fc.assert(
      fc.property(mutations, (changes) => {
        let bytes = Buffer.from(valid);
        for (const { at, removed, inserted } of changes) {
          // The header stays, or nearly nothing would come as far as the body.
          const start = HEADER_BYTES + Math.floor(at * (bytes.length - HEADER_BYTES));
          bytes = Buffer.concat([bytes.subarray(0, start), inserted, bytes.subarray(start + removed)]);
        }
        try {
          const message = codec.decode(bytes) as Partial<PhotoFeatures>;
          expect(message.predictions?.length ?? 0).toBeLessThanOrEqual(bytes.length);
          expect(message.features?.byteLength ?? 0).toBeLessThanOrEqual(bytes.length);
        } catch (error) {
          if (!(error instanceof FruitstreamError)) throw error;
          expect(deadLetterReasonOf(error)).toBe("poison-message");
        }
      }),
      propertyRuns(5_000),
    );
  });
});
