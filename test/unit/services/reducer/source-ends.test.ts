import { expect, test } from "vitest";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { silentLogger } from "#lib/runtime/logger.ts";
import { SourceEnds } from "#services/reducer/source-ends.ts";

const at = (sourceOffset: number) => ({ run: "live", sourceTopic: "photos", sourcePartition: 0, sourceOffset });

/** A topic of photos with one partition that grows, or can't be asked. */
function world() {
  const state = { end: 10 as number | Error, asked: 0, nowMs: 0 };
  const ask = async () => {
    state.asked += 1;
    if (state.end instanceof Error) throw state.end;
    return [{ partition: 0, offset: state.end }];
  };
  const clock = { nowMs: () => 0, monotonicMs: () => state.nowMs, sleep: async () => undefined };
  return { state, ends: new SourceEnds({ ask, clock, logger: silentLogger }, "photos") };
}

test("the topic is asked only for what lies beyond the last answer", async () => {
  const { state, ends } = world();
  for (let offset = 0; offset < 10; offset++) expect(await ends.problemOf(at(offset), offset)).toBeUndefined();
  expect(state.asked).toBe(1);
  expect(ends.isKnown(at(9))).toBe(true);
  expect(ends.isKnown(at(10))).toBe(false);
  state.end = 11;
  expect(await ends.problemOf(at(10), 10)).toBeUndefined();
  expect(await ends.problemOf(at(11), 11)).toMatchObject({ code: "poison-message" });
});

test("while it can't be asked, vectors near the mark are taken, and those far from it wait", async () => {
  const { state, ends } = world();
  state.end = new FruitstreamError("broker-unavailable", "a partition has no leader");
  expect(await ends.problemOf(at(5), 5)).toBeUndefined();
  expect(await ends.problemOf(at(1_005), 5)).toBeUndefined();
  expect(state.asked).toBe(1);
  await expect(ends.problemOf(at(1_006), 5)).rejects.toBe(state.end);
  state.nowMs = 60_000;
  state.end = 10;
  expect(await ends.problemOf(at(1_005), 5)).toMatchObject({ code: "poison-message" });
});

test("what asking throws for good is thrown", async () => {
  const { state, ends } = world();
  state.end = new FruitstreamError("access-denied", "refused");
  await expect(ends.problemOf(at(0), 0)).rejects.toBe(state.end);
});
