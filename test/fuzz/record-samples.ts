import {
  deadLetterCodec,
  deadLetterMarkCodec,
  photoArrivedCodec,
  photoFeaturesCodec,
} from "#lib/messages/avro/avro-codec.ts";
import type { Random } from "#lib/runtime/random.ts";

const MS = Date.UTC(2026, 0, 1);

/** Texts that have been somebody's undoing, and plain ones. */
function text(random: Random, plain: string): string {
  if (random.chance(0.8)) return plain;
  const repeated = plain.repeat(random.between(0, 40));
  return random.pick(["", "../..", "a\u0000b", "\u202e", "é".repeat(300), "x".repeat(5_000), "null", repeated]);
}

function number(random: Random, plain: number): number {
  return random.chance(0.8) ? plain : random.pick([0, -1, 1, 2 ** 31 - 1, -(2 ** 31), plain + 1]);
}

function long(random: Random, plain: number): number {
  return random.chance(0.8) ? plain : random.pick([0, -1, 2 ** 40, 2 ** 52, -(2 ** 52)]);
}

const maybe = <Value>(random: Random, value: Value): Value | null => (random.chance(0.5) ? value : null);

function photo(random: Random) {
  return {
    bucket: text(random, "photos"),
    key: text(random, "apples/1.jpg"),
    etag: text(random, "0123456789abcdef"),
    label: maybe(random, text(random, "apples")),
    capturedAtMs: long(random, MS),
    capturedAtSource: maybe(random, text(random, "exif")),
    ingestedAtMs: long(random, MS),
    traceparent: maybe(random, text(random, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")),
  };
}

export function encodedPhoto(random: Random): Uint8Array {
  return photoArrivedCodec.encode({ ...photo(random), sizeBytes: long(random, 1_000) });
}

export function encodedVector(random: Random): Uint8Array {
  const values = random.pick([0, 1, 4, 64, 1_280, 70_000]);
  return photoFeaturesCodec.encode({
    ...photo(random),
    ...source(random),
    model: text(random, "net-0123456789ab"),
    widthPx: number(random, 640),
    heightPx: number(random, 480),
    featurizedAtMs: long(random, MS),
    features: Float32Array.from({ length: values }, (_, index) =>
      index === 3 ? random.next() / random.next() : index,
    ),
    predictions: maybe(
      random,
      Array.from({ length: random.pick([0, 1, 5, 101]) }, () => ({
        label: text(random, "apple"),
        score: random.next(),
      })),
    ),
  });
}

function source(random: Random) {
  return {
    run: text(random, "live"),
    sourceTopic: text(random, "photos"),
    sourcePartition: number(random, 1),
    sourceOffset: long(random, 7),
  };
}

export function encodedLetter(random: Random): Uint8Array {
  return deadLetterCodec.encode({
    ...source(random),
    reason: "corrupt-image",
    detail: text(random, "the photo can't be decoded"),
    uri: maybe(random, text(random, "s3://photos/apples/1.jpg")),
    failedAtMs: long(random, MS),
    originalKey: maybe(random, Buffer.from(text(random, "apples/1.jpg"))),
    originalValue: maybe(random, encodedPhoto(random)),
    traceparent: null,
  });
}

export function encodedMark(random: Random): Uint8Array {
  return deadLetterMarkCodec.encode({
    letterPartition: number(random, 0),
    letterOffset: long(random, 3),
    outcome: random.pick(["retried", "dropped"]),
    newPartition: maybe(random, number(random, 1)),
    newOffset: maybe(random, long(random, 9)),
    markedAtMs: long(random, MS),
  });
}

/** What others put on our topics: other framings, texts, nothing. */
function encodedForeign(random: Random): Uint8Array {
  const confluent = Buffer.concat([Buffer.from([0, 0, 0, 0, 7]), encodedPhoto(random).subarray(10)]);
  return random.pick([confluent, Buffer.from('{"bucket":"photos"}'), Buffer.alloc(0), Buffer.from("c301", "hex")]);
}

/** Any message of any topic: a stranger doesn't keep to the topic's own. */
export function encodedSamples(random: Random): Uint8Array {
  return random.pick([encodedPhoto, encodedVector, encodedLetter, encodedMark, encodedForeign])(random);
}
