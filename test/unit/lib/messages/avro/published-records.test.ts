import { describe, expect, test } from "vitest";
import {
  avroCodec,
  type MessageCodec,
  photoArrivedCodec,
  photoFeaturesCodec,
  photoFeaturesCodecOver,
} from "#lib/messages/avro/avro-codec.ts";
import { readPublishedSchemas } from "#lib/messages/avro/avro-schemas.ts";
import { KnownSchemas } from "#lib/messages/avro/known-schemas.ts";
import { SchemaTopic } from "#lib/messages/avro/schema-topic.ts";
import type { PhotoArrived, PhotoFeatures } from "#lib/messages/messages.ts";
import { silentLogger } from "#lib/runtime/logger.ts";
import { MemoryRecordLog } from "../../../../fakes/memory-record-log.ts";

/** What processes of each version have put on topics, byte by byte; a message's bytes never change once they lie there. */
const RECORDS = {
  arrivedV1:
    "wwFoHP44AMJ/CQxwaG90b3MicGhvdG9zL0tpd2kvMS5qcGdAOWUxMDdkOWQzNzJiYjY4MjZiZDgxZDM1NDJhNDE5ZDb62wMCCEtpd2n2oav++WLQr6v+" +
    "+WIA",
  arrivedV2:
    "wwHN+YdacCfOUAxwaG90b3MicGhvdG9zL0tpd2kvMS5qcGdAOWUxMDdkOWQzNzJiYjY4MjZiZDgxZDM1NDJhNDE5ZDb62wMCCEtpd2n2oav++WICEGV4" +
    "aWYtZ3Bz0K+r/vliAA==",
  featuresV1:
    "wwFxmJpofDY/4AhsaXZlDHBob3RvcwRSKmZydWl0bmV0LWM1M2FiYTEyNDM5NwxwaG90b3MicGhvdG9zL0tpd2kvMS5qcGdAOWUxMDdkOWQzNzJiYjY4" +
    "MjZiZDgxZDM1NDJhNDE5ZDYCCEtpd2m4BYoE9qGr/vli0K+r/vlioL+r/vliGAAAAD8AAIC/AABQQAICCGtpd2kAAEA/AAA=",
  featuresV2:
    "wwHYxMmQPQErFQhsaXZlDHBob3RvcwRSKmZydWl0bmV0LWM1M2FiYTEyNDM5NwxwaG90b3MicGhvdG9zL0tpd2kvMS5qcGdAOWUxMDdkOWQzNzJiYjY4" +
    "MjZiZDgxZDM1NDJhNDE5ZDYCCEtpd2m4BYoE9qGr/vliAhBleGlmLWdwc9Cvq/75YqC/q/75YhgAAAA/AACAvwAAUEACAghraXdpAABAPwAA",
};
const bytesOf = (name: keyof typeof RECORDS) => Buffer.from(RECORDS[name], "base64");

const photo = {
  bucket: "photos",
  key: "photos/Kiwi/1.jpg",
  etag: "9e107d9d372bb6826bd81d3542a419d6",
  label: "Kiwi",
  capturedAtMs: 1_700_000_000_123,
  ingestedAtMs: 1_700_000_001_000,
  traceparent: null,
};
const arrived = { ...photo, sizeBytes: 30_461 };
const vector = {
  ...photo,
  run: "live",
  sourceTopic: "photos",
  sourcePartition: 2,
  sourceOffset: 41,
  model: "fruitnet-c53aba124397",
  widthPx: 348,
  heightPx: 261,
  featurizedAtMs: 1_700_000_002_000,
  features: Float32Array.of(0.5, -1, 3.25),
  predictions: [{ label: "kiwi", score: 0.75 }],
};
/** Decoded records have avsc's classes as prototypes; what counts is their fields. */
const plain = <Message extends object>(message: Message) => JSON.parse(JSON.stringify(message));

describe("version 2, which tells where the captured time comes from", () => {
  test("writes what it wrote when it was published", () => {
    const source = { capturedAtSource: "exif-gps" };
    expect(Buffer.from(photoArrivedCodec.encode({ ...arrived, ...source }))).toEqual(bytesOf("arrivedV2"));
    expect(Buffer.from(photoFeaturesCodec.encode({ ...vector, ...source }))).toEqual(bytesOf("featuresV2"));
  });

  test("reads version 1, which does not tell", () => {
    expect(plain(photoArrivedCodec.decode(bytesOf("arrivedV1")))).toEqual({ ...arrived, capturedAtSource: null });
    const read = photoFeaturesCodec.decode(bytesOf("featuresV1"));
    expect(plain(read)).toEqual(plain({ ...vector, capturedAtSource: null }));
  });
});

describe("version 1", () => {
  const published = readPublishedSchemas();

  /** A process of the version that knew only the first schemas, on a log where one of this version was before. */
  async function processOfVersion1() {
    const log = new MemoryRecordLog();
    const deps = { topic: "schemas", log, admin: log, logger: silentLogger };
    await new SchemaTopic({ ...deps, known: new KnownSchemas(published) }).publish(log);
    const known = new KnownSchemas(published.filter(({ version }) => version === 1));
    const topic = new SchemaTopic({ ...deps, known });
    const features: MessageCodec<PhotoFeatures & { features: Buffer }> = avroCodec("photo-features", known);
    return {
      topic,
      photoArrived: avroCodec<PhotoArrived>("photo-arrived", known),
      photoFeatures: photoFeaturesCodecOver(features),
    };
  }

  test("learns the schemas of version 2 and reads its messages without the source", async () => {
    const { topic, photoArrived, photoFeatures } = await processOfVersion1();
    expect(() => photoArrived.decode(bytesOf("arrivedV2"))).toThrow(/neither in schemas/);
    expect(() => photoFeatures.decode(bytesOf("featuresV2"))).toThrow(/neither in schemas/);
    await topic.learn([bytesOf("arrivedV2"), bytesOf("featuresV2")]);
    expect(plain(photoArrived.decode(bytesOf("arrivedV2")))).toEqual(arrived);
    expect(plain(photoFeatures.decode(bytesOf("featuresV2")))).toEqual(plain(vector));
  });

  test("writes what it always wrote", async () => {
    const { photoArrived, photoFeatures } = await processOfVersion1();
    const unsaid = { capturedAtSource: null };
    expect(Buffer.from(photoArrived.encode({ ...arrived, ...unsaid }))).toEqual(bytesOf("arrivedV1"));
    expect(Buffer.from(photoFeatures.encode({ ...vector, ...unsaid }))).toEqual(bytesOf("featuresV1"));
  });
});
