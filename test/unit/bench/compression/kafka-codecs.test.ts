import kafkajs from "kafkajs";
import { expect, test } from "vitest";
import { KAFKA_CODECS, registerCodec } from "#bench/compression/kafka-codecs.ts";

const records = Buffer.from("a vector with many zeros ".repeat(200));

test.each(KAFKA_CODECS)("$name gives back what it was given, in fewer bytes", async ({ compress, decompress }) => {
  const compressed = await compress(records);
  expect(compressed.byteLength).toBeLessThan(records.byteLength / 4);
  expect(records.equals(await decompress(compressed))).toBe(true);
});

test("the client compresses with a codec that is registered", async () => {
  const zstd = KAFKA_CODECS.find(({ type }) => type === kafkajs.CompressionTypes.ZSTD)!;
  registerCodec(zstd);
  const codec = kafkajs.CompressionCodecs[kafkajs.CompressionTypes.ZSTD]();
  const compressed = await codec.compress({ buffer: records });
  expect(compressed.subarray(0, 4).toString("hex")).toBe("28b52ffd");
  expect(records.equals(await codec.decompress(compressed))).toBe(true);
});
