import { afterEach, beforeEach, expect, test } from "vitest";
import { deadLetterCodec } from "#lib/messages/avro/avro-codec.ts";
import type { DeadLetter } from "#lib/messages/messages.ts";
import { letterTest } from "#ops/dead-letters/letter-filter.ts";
import { readLetters } from "#ops/dead-letters/read-letters.ts";
import { settleOpenLetters } from "#ops/dead-letters/settle-open-letters.ts";
import { openFolderPipeline } from "../../../fakes/folder-pipeline.ts";
import { letterAt } from "./dead-letter.ts";

let pipeline: Awaited<ReturnType<typeof openFolderPipeline>>;
beforeEach(async () => {
  pipeline = await openFolderPipeline(2);
});
afterEach(() => pipeline[Symbol.asyncDispose]());

const NEVER = new AbortController().signal;
const every = letterTest({});

async function publish(...changes: Partial<DeadLetter>[]): Promise<void> {
  const { topics, producer } = pipeline;
  const letters = changes.map((change, offset) => letterAt(offset, { sourceTopic: topics.photos, ...change }).letter);
  await producer.append(
    topics.deadLetters,
    letters.map((letter) => ({ partition: 0, key: null, value: deadLetterCodec.encode(letter) })),
  );
}

async function outcomes(): Promise<unknown[]> {
  const found: unknown[] = [];
  await readLetters(pipeline, (_letter, outcome) => void found.push(outcome));
  return found;
}

async function photosAppended(): Promise<string[]> {
  const values: string[] = [];
  await pipeline.log.readTopic(pipeline.topics.photos, ({ value }) => void values.push(String(value)));
  return values.sort();
}

test("those that the test admits are retried once, however often the command runs", async () => {
  await publish({ reason: "not-found" }, { reason: "unsupported-format" }, { reason: "not-found" });
  const admits = letterTest({ reason: "not-found" });
  const settled: number[] = [];
  const retry = () => settleOpenLetters(pipeline, "retry", admits, NEVER, ({ offset }) => void settled.push(offset));
  await retry();
  expect(settled).toEqual([0, 2]);
  expect(await photosAppended()).toEqual(["photo 0", "photo 2"]);
  expect(await outcomes()).toEqual(["retried", undefined, "retried"]);
  await retry();
  expect(settled).toEqual([0, 2]);
  expect(await photosAppended()).toHaveLength(2);
});

test("dropped letters are settled, and no photo arrives", async () => {
  await publish({}, {});
  await settleOpenLetters(pipeline, "drop", letterTest({}, ["0:1"]), NEVER, () => undefined);
  expect(await outcomes()).toEqual([undefined, "dropped"]);
  expect(await photosAppended()).toEqual([]);
});

test("one that can't be retried stays open, its reason is told, and the others go on", async () => {
  await publish({ run: "second" }, {});
  const told: (string | undefined)[] = [];
  await settleOpenLetters(pipeline, "retry", every, NEVER, (_letter, refusal) => void told.push(refusal));
  expect(told).toEqual([expect.stringMatching(/^its run is "second"/), undefined]);
  expect(await outcomes()).toEqual([undefined, "retried"]);
});

test("an interruption ends it after the letter in hand", async () => {
  await publish({}, {}, {});
  const stop = new AbortController();
  const settling = settleOpenLetters(pipeline, "drop", every, stop.signal, () => stop.abort(new Error("Ctrl-C")));
  await expect(settling).rejects.toThrow("Ctrl-C");
  expect(await outcomes()).toEqual(["dropped", undefined, undefined]);
});
