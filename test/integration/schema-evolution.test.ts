import { afterAll, beforeAll, describe, expect, inject, it, vi } from "vitest";
import { kafkaRecordLog } from "#lib/log/kafka/kafka-record-log.ts";
import type { LogRecord } from "#lib/log/record-log.ts";
import {
  avroCodec,
  type MessageCodec,
  photoArrivedCodec,
  photoFeaturesCodec,
  photoFeaturesCodecOver,
} from "#lib/messages/avro/avro-codec.ts";
import { SchemaTopic } from "#lib/messages/avro/schema-topic.ts";
import { singleObjectHeader } from "#lib/messages/avro/single-object.ts";
import type { DeadLetter, PhotoArrived, PhotoFeatures } from "#lib/messages/messages.ts";
import { silentLogger } from "#lib/runtime/logger.ts";
import { nextSchemas } from "../fakes/next-schemas.ts";
import { colouredPhoto, TinyPipeline } from "./tiny-pipeline.ts";

const PHOTOS = 24;
/** Vectors that a featurizer of the next version sends, as a run of its own. */
const NEXT_RUN = "next";
const WAIT = { timeout: 60_000, interval: 200 };

/** The next release: its schemas, and codecs that write them. */
const next = nextSchemas();
const nextPhotoArrived = avroCodec<PhotoArrived & { cameraModel: string }>("photo-arrived", next);
const nextPhotoFeatures = photoFeaturesCodecOver(avroCodec("photo-features", next));
const nextDeadLetter = avroCodec<DeadLetter>("dead-letter", next);

describe("services of this version beside writers of the next one", () => {
  let pipeline: TinyPipeline;

  beforeAll(async () => {
    pipeline = await TinyPipeline.open(2);
    const env = { FEATURIZER_MODEL_DIR: await pipeline.model("mean", 1) };
    const services = [pipeline.start("featurizer", env), pipeline.start("reducer")];
    await Promise.all(services.map(({ ready }) => ready));
  });
  afterAll(() => pipeline.close());

  it("make the right table of photos and vectors of both, which lie between each other", async () => {
    // The services run, and have seen the topic of schemas without these.
    await schemaTopic().publish(pipeline.producer);
    for (let index = 0; index < PHOTOS / 2; index++)
      await announce(index, index % 2 ? nextPhotoArrived : photoArrivedCodec);
    await vi.waitFor(async () => expect(await liveVectors()).toHaveLength(PHOTOS / 2), WAIT);

    const firstHalf = await liveVectors();
    for (let index = PHOTOS / 2; index < PHOTOS; index++) {
      await announce(index, index % 2 ? nextPhotoArrived : photoArrivedCodec);
      await resend(firstHalf[index - PHOTOS / 2]!);
    }
    await vi.waitFor(async () => expect(await pipeline.rows()).toHaveLength(PHOTOS + PHOTOS / 2), WAIT);

    const rows = await pipeline.rows();
    const live = rows.filter(({ run }) => run === "live");
    expect(live.map(({ path }) => path).sort()).toEqual(keys().map((key) => pipeline.photoUri(key)));
    const vectorOf = new Map(live.map(({ path, features }) => [path, features]));
    for (const row of rows) expect(row.features, String(row.path)).toEqual(vectorOf.get(row.path));
    expect((await pipeline.admin.endOffsets(pipeline.topics.deadLetters))[0]!.offset).toBe(0);
  });

  it("still set aside what no schema describes, and show the letters of both versions", async () => {
    const unknown = Buffer.concat([singleObjectHeader(0x1234n), Buffer.from("garbage")]);
    await pipeline.producer.append(pipeline.topics.photos, [{ partition: 0, key: Buffer.from("k"), value: unknown }]);
    const end = async () => (await pipeline.admin.endOffsets(pipeline.topics.deadLetters))[0]!.offset;
    await vi.waitFor(async () => expect(await end()).toBe(1), WAIT);

    const letter: DeadLetter = {
      run: "live",
      sourceTopic: pipeline.topics.photos,
      sourcePartition: 1,
      sourceOffset: 999,
      reason: "not-found",
      detail: "written by the next version",
      uri: null,
      failedAtMs: 1,
      originalKey: null,
      originalValue: null,
      traceparent: null,
    };
    await pipeline.producer.append(pipeline.topics.deadLetters, [{ key: null, value: nextDeadLetter.encode(letter) }]);
    const { stdout, stderr } = await pipeline.cli("dead-letters", "list");
    expect(stdout).toMatch(/poison-message.*schema 0000000000001234 is neither in schemas\/ nor on the topic/);
    expect(stdout).toContain("written by the next version");
    expect(stderr).not.toContain("are no letters");
  });

  const keys = () =>
    Array.from({ length: PHOTOS }, (_, index) => `${pipeline.id}/${String(index).padStart(3, "0")}.jpg`);

  function schemaTopic(): SchemaTopic {
    const { admin, topics } = pipeline;
    return new SchemaTopic({ topic: topics.schemas, log: log(), admin, logger: silentLogger, known: next });
  }

  function log() {
    const settings = { brokers: inject("stackEnv").KAFKA_BROKERS!.split(","), clientId: "schema-evolution" };
    return kafkaRecordLog(settings, silentLogger);
  }

  async function announce(
    index: number,
    codec: Pick<MessageCodec<PhotoArrived & { cameraModel: string }>, "encode">,
  ): Promise<void> {
    const place = pipeline.photoAt(keys()[index]!);
    const bytes = await colouredPhoto(index);
    const { etag } = await pipeline.store.put(place, bytes);
    const value = codec.encode({
      ...place,
      etag,
      sizeBytes: bytes.byteLength,
      label: null,
      capturedAtMs: 1_700_000_000_000,
      capturedAtSource: "object",
      ingestedAtMs: 1_700_000_000_000,
      traceparent: null,
      cameraModel: "X100",
    });
    // Neighbours of a partition are of different versions.
    const partition = Math.floor(index / 2) % 2;
    await pipeline.producer.append(pipeline.topics.photos, [{ partition, key: Buffer.from(place.key), value }]);
  }

  async function liveVectors(): Promise<PhotoFeatures[]> {
    const records: LogRecord[] = [];
    await log().readTopic(pipeline.topics.features, (record) => void records.push(record));
    return records.map(({ value }) => photoFeaturesCodec.decode(value));
  }

  async function resend(vector: PhotoFeatures): Promise<void> {
    const value = nextPhotoFeatures.encode({ ...vector, run: NEXT_RUN });
    await pipeline.producer.append(pipeline.topics.features, [
      { partition: vector.sourcePartition % 2, key: Buffer.from(vector.key), value },
    ]);
  }
});
