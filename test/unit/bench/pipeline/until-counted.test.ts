import { expect, test } from "vitest";
import { STALL_MS_MAX, untilCounted } from "#bench/pipeline/until-counted.ts";

/** A wait on a clock of its own, which every pause moves on by 500 ms. */
function waitFor(target: number, countAt: (nowMs: number) => number, check = async () => {}) {
  let nowMs = 0;
  const clock = { nowMs: () => nowMs, sleep: async () => {} };
  return untilCounted(clock, {
    where: "growth-1",
    what: "rows",
    target,
    look: async () => countAt(nowMs),
    pause: async () => {
      nowMs += 500;
    },
    check,
    seeAlso: () => "reducer.log",
  });
}

test("the wait ends at the look that finds enough, or more", async () => {
  expect(await waitFor(7, (nowMs) => nowMs / 250)).toEqual({ count: 8, atMs: 2_000 });
});

test("a count that grows now and then is waited for as long as it takes", async () => {
  const slow = (nowMs: number) => Math.floor(nowMs / STALL_MS_MAX);
  expect(await waitFor(5, slow)).toEqual({ count: 5, atMs: 5 * STALL_MS_MAX });
});

test("a count that stands still is given up, with what there was to see", async () => {
  const stuck = waitFor(5, (nowMs) => Math.min(3, nowMs / 1_000));
  await expect(stuck).rejects.toThrow("growth-1: 3 of 5 rows, and nothing has moved for 60 s; see reducer.log");
});

test("what has gone wrong is asked for every second, also while the count grows", async () => {
  let checks = 0;
  const failing = waitFor(
    1_000,
    (nowMs) => nowMs / 500,
    async () => {
      if (++checks === 3) throw new Error("a dead letter");
    },
  );
  await expect(failing).rejects.toThrow("a dead letter");
});

test("there is nothing to wait for once a pause says so", async () => {
  const over = untilCounted(
    { nowMs: () => 0, sleep: async () => {} },
    {
      where: "growth-1",
      what: "rows",
      target: 1,
      look: async () => 0,
      pause: () => Promise.reject(new Error("the reducer ended")),
      check: async () => {},
      seeAlso: () => "",
    },
  );
  await expect(over).rejects.toThrow("the reducer ended");
});
