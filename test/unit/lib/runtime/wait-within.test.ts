import { expect, test } from "vitest";
import { waitWithin } from "#lib/runtime/wait-within.ts";
import { countingClock } from "../../../fakes/counting-clock.ts";

const LONG_MS = 60_000;

test("work that settles in time leaves no timer behind", async () => {
  const clock = countingClock();
  expect(await waitWithin(clock, LONG_MS, Promise.resolve())).toBe(true);
  await new Promise(setImmediate);
  expect(clock.sleeping).toBe(0);
});

test("work that fails in time throws, and leaves no timer behind", async () => {
  const clock = countingClock();
  await expect(waitWithin(clock, LONG_MS, Promise.reject(new Error("no room")))).rejects.toThrow("no room");
  await new Promise(setImmediate);
  expect(clock.sleeping).toBe(0);
});

test("work that does not settle is waited for no longer than asked", async () => {
  const never = new Promise(() => undefined);
  expect(await waitWithin(countingClock(), 1, never)).toBe(false);
});
