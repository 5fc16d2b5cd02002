import { afterEach, beforeEach, expect, test } from "vitest";
import { deadLetterCodec, deadLetterMarkCodec, photoFeaturesCodec } from "#lib/messages/avro/avro-codec.ts";
import type { DeadLetter, PhotoFeatures } from "#lib/messages/messages.ts";
import { readDeadLetteredPositions } from "#ops/replay/dead-lettered-positions.ts";
import { openFolderPipeline } from "../../../fakes/folder-pipeline.ts";
import { letterAt } from "../dead-letters/dead-letter.ts";

let pipeline: Awaited<ReturnType<typeof openFolderPipeline>>;
beforeEach(async () => {
  pipeline = await openFolderPipeline(2);
});
afterEach(() => pipeline[Symbol.asyncDispose]());

const RUN = "again";
const RANGES = [
  { partition: 0, from: 2, to: 5 },
  { partition: 1, from: 0, to: 3 },
];

function letterOf(sourcePartition: number, sourceOffset: number, change: Partial<DeadLetter> = {}): Uint8Array {
  const place = { run: RUN, sourceTopic: pipeline.topics.photos, sourcePartition, sourceOffset };
  return deadLetterCodec.encode(letterAt(0, { ...place, ...change }).letter);
}

/** A vector that a reducer has set aside, at some place of `features`. */
function letterOfVector(sourcePartition: number, sourceOffset: number): Uint8Array {
  const vector: PhotoFeatures = {
    run: RUN,
    sourceTopic: pipeline.topics.photos,
    sourcePartition,
    sourceOffset,
    model: "m",
    bucket: "b",
    key: "k",
    etag: "e",
    label: null,
    widthPx: 1,
    heightPx: 1,
    capturedAtMs: 0,
    capturedAtSource: "object",
    ingestedAtMs: 0,
    featurizedAtMs: 0,
    features: Float32Array.of(1),
    predictions: null,
    traceparent: null,
  };
  const originalValue = photoFeaturesCodec.encode(vector);
  return letterOf(0, 99, { sourceTopic: pipeline.topics.features, originalValue });
}

async function positionsAfter(...values: Uint8Array[]) {
  const { topics, producer } = pipeline;
  const records = values.map((value) => ({ partition: 0, key: null, value }));
  await producer.append(topics.deadLetters, records);
  const name = { title: "run", run: RUN, topic: topics.photos };
  const found = await readDeadLetteredPositions(pipeline, name, RANGES);
  return Object.fromEntries([...found].map(([partition, offsets]) => [partition, [...offsets].sort()]));
}

test("a position counts once, however often its letter was delivered, and only within its range", async () => {
  const letters = [letterOf(0, 1), letterOf(0, 2), letterOf(0, 2), letterOf(0, 4), letterOf(0, 5), letterOf(1, 0)];
  expect(await positionsAfter(...letters)).toEqual({ 0: [2, 4], 1: [0] });
});

test("letters of other runs, topics and partitions, marks and garbage are passed over", async () => {
  const mark = deadLetterMarkCodec.encode({
    letterPartition: 0,
    letterOffset: 0,
    outcome: "dropped",
    newPartition: null,
    newOffset: null,
    markedAtMs: 0,
  });
  const others = [letterOf(0, 3, { run: "live" }), letterOf(0, 3, { sourceTopic: "elsewhere" }), letterOf(7, 3)];
  expect(await positionsAfter(...others, mark, Buffer.from("garbage"))).toEqual({ 0: [], 1: [] });
});

test("a vector that was set aside stands for its photo", async () => {
  expect(await positionsAfter(letterOfVector(1, 2), letterOfVector(0, 9))).toEqual({ 0: [], 1: [2] });
});
