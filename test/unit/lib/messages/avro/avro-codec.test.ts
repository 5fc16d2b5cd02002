import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  avroCodec,
  deadLetterCodec,
  deadLetterMarkCodec,
  photoArrivedCodec,
  photoFeaturesCodec,
  photoFeaturesCodecOver,
} from "#lib/messages/avro/avro-codec.ts";
import { formatSchema, type PublishedSchema, readPublishedSchemas } from "#lib/messages/avro/avro-schemas.ts";
import { KnownSchemas } from "#lib/messages/avro/known-schemas.ts";
import type { DeadLetter, DeadLetterMark, PhotoArrived, PhotoFeatures } from "#lib/messages/messages.ts";
import { nextSchemas, nextVersion } from "../../../../fakes/next-schemas.ts";

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
  capturedAtSource: maybeText,
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
  capturedAtSource: maybeText,
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

const deadLetterMark: fc.Arbitrary<DeadLetterMark> = fc.record({
  letterPartition: fc.nat(),
  letterOffset: count,
  outcome: fc.constantFrom("retried", "dropped"),
  newPartition: fc.option(fc.nat()),
  newOffset: fc.option(count),
  markedAtMs: count,
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
    expect(() => photoArrivedCodec.decode(other)).toThrow(/is that of fruitstream\.DeadLetter$/);
  });

  test("a vector of no whole number of floats", () => {
    const message = fc.sample(photoFeatures, { numRuns: 1, seed: 1 })[0]!;
    const encoded = photoFeaturesCodec.encode({ ...message, features: new Float32Array(0) });
    expect(() => photoFeaturesCodec.decode(encoded)).toThrow(/not a multiple of 4 above 0/);
  });
});

describe("this version and the next read each other", () => {
  const published = readPublishedSchemas();
  const next = nextSchemas();
  const upgraded = new KnownSchemas(published);
  for (const schema of next.published) upgraded.learn(schema.fingerprint, formatSchema(schema));

  /** Both versions of one codec, of which the older one has learnt the newer one's schema, or not. */
  const versionsOf = <Message>(message: string) => ({
    v1: avroCodec<Message>(message, upgraded),
    v2: avroCodec<Message & { cameraModel?: string | null }>(message, next),
    ignorant: avroCodec<Message>(message, new KnownSchemas(published)),
  });

  const cases = [
    { name: "photo-arrived", arbitrary: photoArrived },
    { name: "dead-letter", arbitrary: deadLetter },
    { name: "dead-letter-mark", arbitrary: deadLetterMark },
  ] as { name: string; arbitrary: fc.Arbitrary<object> }[];

  test.each(cases)("$name", ({ name, arbitrary }) => {
    const { v1, v2, ignorant } = versionsOf<object>(name);
    fc.assert(
      fc.property(arbitrary, maybeText, (message, cameraModel) => {
        const newer = v2.encode({ ...message, cameraModel });
        expect(plain(v1.decode(newer))).toEqual(message);
        expect(plain(v2.decode(newer))).toEqual({ ...message, cameraModel });
        expect(plain(v2.decode(v1.encode(message)))).toEqual({ ...message, cameraModel: null });
        expect(v1.recognises(newer)).toBe(true);
        expect(ignorant.recognises(newer)).toBe(false);
        expect(() => ignorant.decode(newer)).toThrow(/neither in schemas\/ nor on the topic of schemas/);
      }),
    );
  });

  test("photo-features", () => {
    const wire = versionsOf<PhotoFeatures & { features: Buffer }>("photo-features");
    const v1 = photoFeaturesCodecOver(wire.v1);
    const v2 = photoFeaturesCodecOver(wire.v2);
    fc.assert(
      fc.property(photoFeatures, (message) => {
        const upgradedMessage = { ...message, cameraModel: "X100" };
        const seenByOld = v1.decode(v2.encode(upgradedMessage));
        const seenByNew = v2.decode(v1.encode(message));
        const predictions = (seen: PhotoFeatures) => seen.predictions?.map(plain) ?? null;
        expect({ ...plain(seenByOld), predictions: predictions(seenByOld) }).toEqual(message);
        expect({ ...plain(seenByNew), predictions: predictions(seenByNew) }).toEqual({ ...message, cameraModel: null });
        expect(v2.decode(v2.encode(upgradedMessage))).toMatchObject({ cameraModel: "X100" });
      }),
    );
  });

  test("a learnt letter is not taken for a mark", () => {
    const letter = fc.sample(deadLetter, { numRuns: 1, seed: 1 })[0]!;
    const newer = versionsOf<DeadLetter>("dead-letter").v2.encode(letter);
    expect(avroCodec("dead-letter-mark", upgraded).recognises(newer)).toBe(false);
    expect(deadLetterMarkCodec.recognises(newer)).toBe(false);
  });
});

describe("a version that doesn't fit is refused by the field's name", () => {
  const v1 = readPublishedSchemas().find(({ message }) => message === "photo-arrived")!;
  const { fields, ...record } = JSON.parse(formatSchema(v1)) as { fields: { name: string }[] };
  const changed = (change: (field: { name: string }) => object[]): PublishedSchema =>
    nextVersion(v1, { ...record, fields: fields.flatMap(change) });
  const dropped = changed((field) => (field.name === "etag" ? [] : [field]));
  const retyped = changed((field) => [field.name === "sizeBytes" ? { ...field, type: "string" } : field]);
  const required = nextVersion(v1, { ...record, fields: [...fields, { name: "iso", type: "int" }] });

  test.each([
    { name: "dropped", schema: dropped, problem: /v2\.avsc can't be read as .*v1\.avsc: field "etag" is missing/ },
    { name: "retyped", schema: retyped, problem: /field "sizeBytes": cannot read "long" as "string"/ },
    { name: "added without a default", schema: required, problem: /v1\.avsc can't be read as .*v2\.avsc: field "iso"/ },
  ])("in schemas/, before anything is written: $name", ({ schema, problem }) => {
    expect(() => avroCodec("photo-arrived", new KnownSchemas([v1, schema]))).toThrow(problem);
  });

  test.each([
    { name: "dropped", schema: dropped, problem: /can't be read as photo-arrived\.v1\.avsc: field "etag" is missing/ },
    { name: "retyped", schema: retyped, problem: /field "sizeBytes": cannot read "string" as "long"/ },
  ])("met on a topic, as poison: $name", ({ schema, problem }) => {
    const known = new KnownSchemas([v1]);
    known.learn(schema.fingerprint, formatSchema(schema));
    const arrived = { ...fc.sample(photoArrived, { numRuns: 1, seed: 1 })[0]! };
    const value = { ...arrived, sizeBytes: schema === retyped ? "7" : 7 };
    const written = avroCodec("photo-arrived", new KnownSchemas([schema])).encode(value);
    const decode = () => avroCodec("photo-arrived", known).decode(written);
    expect(decode).toThrow(
      expect.objectContaining({ code: "poison-message", message: expect.stringMatching(problem) }),
    );
  });
});
