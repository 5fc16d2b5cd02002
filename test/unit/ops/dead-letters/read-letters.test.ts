import { afterEach, beforeEach, expect, test } from "vitest";
import { deadLetterCodec, deadLetterMarkCodec } from "#lib/messages/avro/avro-codec.ts";
import type { DeadLetterOutcome } from "#lib/messages/messages.ts";
import { readLetter, readLetters } from "#ops/dead-letters/read-letters.ts";
import { openFolderPipeline } from "../../../fakes/folder-pipeline.ts";
import { letterAt } from "./dead-letter.ts";

let pipeline: Awaited<ReturnType<typeof openFolderPipeline>>;
beforeEach(async () => {
  pipeline = await openFolderPipeline(2);
});
afterEach(() => pipeline[Symbol.asyncDispose]());

const append = (...values: Uint8Array[]) =>
  pipeline.producer.append(
    pipeline.topics.deadLetters,
    values.map((value) => ({ partition: 0, key: null, value })),
  );
const letter = (offset: number) => deadLetterCodec.encode(letterAt(offset).letter);
const mark = (letterOffset: number, outcome: DeadLetterOutcome, markedAtMs = 1_000) =>
  deadLetterMarkCodec.encode({
    letterPartition: 0,
    letterOffset,
    outcome,
    newPartition: null,
    newOffset: null,
    markedAtMs,
  });

test("letters come in order, each with what became of it, and what is no letter is counted", async () => {
  await append(letter(0), letter(1), Buffer.from("garbage"), mark(1, "dropped"), letter(4), mark(0, "retried"));
  const told: unknown[] = [];
  const unreadable = await readLetters(pipeline, ({ partition, offset, letter }, settled) => {
    told.push({ partition, offset, uri: letter.uri, settled });
  });
  expect(told).toEqual([
    { partition: 0, offset: 0, uri: "s3://photos/apple/0.jpg", settled: "retried" },
    { partition: 0, offset: 1, uri: "s3://photos/apple/1.jpg", settled: "dropped" },
    { partition: 0, offset: 4, uri: "s3://photos/apple/4.jpg", settled: undefined },
  ]);
  expect(unreadable).toBe(1);
});

test("the next letter waits for its turn, and a handler that throws ends the reading", async () => {
  await append(letter(0), letter(1), letter(2));
  const gate = Promise.withResolvers<void>();
  const told: number[] = [];
  const reading = readLetters(pipeline, async ({ offset }) => {
    told.push(offset);
    if (offset === 0) await gate.promise;
    if (offset === 1) throw new Error("enough");
  });
  await expect.poll(() => told).toEqual([0]);
  gate.resolve();
  await expect(reading).rejects.toThrow("enough");
  expect(told).toEqual([0, 1]);
});

test("one letter is found with its latest mark", async () => {
  await append(letter(0), letter(1), mark(1, "dropped", 1), mark(0, "dropped", 2), mark(1, "retried", 3));
  const found = await readLetter(pipeline, { partition: 0, offset: 1 });
  expect(found?.placed).toMatchObject({ offset: 1, letter: { uri: "s3://photos/apple/1.jpg" } });
  expect(found?.mark).toMatchObject({ outcome: "retried", markedAtMs: 3 });
  await append(letter(5));
  expect(await readLetter(pipeline, { partition: 0, offset: 5 })).toMatchObject({ mark: undefined });
});

test("no letter is found at a mark, or past the end", async () => {
  await append(letter(0), mark(0, "dropped"));
  expect(await readLetter(pipeline, { partition: 0, offset: 1 })).toBeUndefined();
  expect(await readLetter(pipeline, { partition: 0, offset: 9 })).toBeUndefined();
});

test("an installation without the topic is another than its caller believes", async () => {
  const elsewhere = { ...pipeline, topics: { ...pipeline.topics, deadLetters: "other.dead-letters" } };
  await expect(readLetters(elsewhere, () => undefined)).rejects.toMatchObject({
    code: "usage",
    message: expect.stringMatching(/no topic "other.dead-letters"/),
  });
});
