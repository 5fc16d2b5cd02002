import avro from "avsc";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  avroCodec,
  deadLetterCodec,
  photoArrivedCodec,
  photoFeaturesCodec,
} from "../../../../lib/contract/avro-codec.ts";
import { crc64Avro } from "../../../../lib/contract/avro-fingerprint.ts";
import type { PublishedSchema } from "../../../../lib/contract/avro-schemas.ts";
import type { DeadLetter, PhotoArrived, PhotoFeatures } from "../../../../lib/contract/messages.ts";

// avsc takes longs up to one below the largest safe integer.
const count = fc.nat({ max: Number.MAX_SAFE_INTEGER - 1 });
const text = fc.string({ unit: "grapheme" });
const maybeText = fc.option(text);
const position = { run: text, sourceTopic: text, sourcePartition: fc.nat(), sourceOffset: count };

const photoArrived: fc.Arbitrary<PhotoArrived> = fc.record({
  bucket: text,
  key: text,
  etag: text,
  sizeBytes: count,
  label: maybeText,
  capturedAtMs: count,
  ingestedAtMs: count,
  traceparent: maybeText,
});

const photoFeatures: fc.Arbitrary<PhotoFeatures> = fc.record({
  ...position,
  model: text,
  bucket: text,
  key: text,
  etag: text,
  label: maybeText,
  widthPx: fc.nat(),
  heightPx: fc.nat(),
  capturedAtMs: count,
  ingestedAtMs: count,
  featurizedAtMs: count,
  features: fc.float32Array({ minLength: 1, noNaN: true }),
  predictions: fc.option(fc.array(fc.record({ label: text, score: fc.float({ noNaN: true }) }))),
  traceparent: maybeText,
});

const deadLetter: fc.Arbitrary<DeadLetter> = fc.record({
  ...position,
  reason: fc.constantFrom("not-found", "corrupt-image", "poison-message"),
  detail: text,
  uri: maybeText,
  failedAtMs: count,
  originalKey: fc.option(fc.uint8Array().map((bytes) => Buffer.from(bytes))),
  originalValue: fc.option(fc.uint8Array().map((bytes) => Buffer.from(bytes))),
  traceparent: maybeText,
});

/** Decoded records have avsc's classes as prototypes; what counts is their fields. */
const plain = (value: object) => ({ ...value });

describe("every message comes back as it was", () => {
  test("PhotoArrived", () => {
    fc.assert(
      fc.property(photoArrived, (message) => {
        expect(plain(photoArrivedCodec.decode(photoArrivedCodec.encode(message)))).toEqual(message);
      }),
    );
  });

  test("PhotoFeatures, vectors to the bit", () => {
    fc.assert(
      fc.property(photoFeatures, (message) => {
        const decoded = photoFeaturesCodec.decode(photoFeaturesCodec.encode(message));
        expect(Buffer.from(decoded.features.buffer)).toEqual(Buffer.from(new Float32Array(message.features).buffer));
        const predictions = decoded.predictions?.map(plain) ?? null;
        expect({ ...plain(decoded), predictions }).toEqual(message);
      }),
    );
  });

  test("DeadLetter", () => {
    fc.assert(
      fc.property(deadLetter, (message) => {
        expect(plain(deadLetterCodec.decode(deadLetterCodec.encode(message)))).toEqual(message);
      }),
    );
  });
});

describe("what is no message is poison", () => {
  test("random bytes never decode and never throw anything else", () => {
    fc.assert(
      fc.property(fc.option(fc.uint8Array()), (bytes) => {
        expect(() => photoArrivedCodec.decode(bytes)).toThrow(expect.objectContaining({ code: "poison-message" }));
      }),
    );
  });

  test("a truncated message", () => {
    const whole = photoArrivedCodec.encode(fc.sample(photoArrived, { numRuns: 1, seed: 1 })[0]!);
    const cut = whole.subarray(0, whole.length - 1);
    expect(() => photoArrivedCodec.decode(cut)).toThrow(/does not follow its schema/);
  });

  test("a message of another schema", () => {
    const other = deadLetterCodec.encode(fc.sample(deadLetter, { numRuns: 1, seed: 1 })[0]!);
    expect(() => photoArrivedCodec.decode(other)).toThrow(/is none of schemas\//);
  });

  test("a vector of no whole number of floats", () => {
    const message = fc.sample(photoFeatures, { numRuns: 1, seed: 1 })[0]!;
    const encoded = photoFeaturesCodec.encode({ ...message, features: new Float32Array(0) });
    expect(() => photoFeaturesCodec.decode(encoded)).toThrow(/not a multiple of 4 above 0/);
  });
});

test("an older version's message is read with the newer version's defaults", () => {
  const v1 = schemaVersion(1, [{ name: "a", type: "string" }]);
  const v2 = schemaVersion(2, [
    { name: "a", type: "string" },
    { name: "b", type: ["null", "long"], default: null },
  ]);
  const old = avroCodec<{ a: string }>("thing", [v1]);
  const current = avroCodec<{ a: string; b: number | null }>("thing", [v1, v2]);
  expect(plain(current.decode(old.encode({ a: "x" })))).toEqual({ a: "x", b: null });
  expect(plain(current.decode(current.encode({ a: "x", b: 7 })))).toEqual({ a: "x", b: 7 });
});

function schemaVersion(version: number, fields: avro.schema.RecordType["fields"]): PublishedSchema {
  const type = avro.Type.forSchema({ type: "record", name: "Thing", fields }, { wrapUnions: "never" });
  const fingerprint = crc64Avro(JSON.stringify(type.schema()));
  return { file: `thing.v${version}.avsc`, message: "thing", version, type, fingerprint };
}
