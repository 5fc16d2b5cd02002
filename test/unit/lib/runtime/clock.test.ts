import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { systemClock, watchForSetBack } from "#lib/runtime/clock.ts";

const HOUR_MS = 3_600_000;

let stepsMs: number[];
let end: () => void;

beforeEach(() => {
  vi.useFakeTimers();
  stepsMs = [];
  end = watchForSetBack(systemClock, 2_000, (stepMs) => stepsMs.push(stepMs));
});

afterEach(() => {
  end();
  vi.useRealTimers();
});

test("a step back is told once, with its size", () => {
  vi.advanceTimersByTime(5_000);
  vi.setSystemTime(Date.now() - HOUR_MS);
  vi.advanceTimersByTime(5_000);
  expect(stepsMs).toEqual([HOUR_MS]);
});

test("time that goes on, a step forward and small steps back are passed over", () => {
  vi.advanceTimersByTime(HOUR_MS);
  vi.setSystemTime(Date.now() + HOUR_MS);
  vi.advanceTimersByTime(5_000);
  for (let step = 0; step < 5; step++) {
    vi.setSystemTime(Date.now() - 1_000);
    vi.advanceTimersByTime(1_000);
  }
  expect(stepsMs).toEqual([]);
});

test("after its end nothing is told", () => {
  end();
  vi.setSystemTime(Date.now() - HOUR_MS);
  vi.advanceTimersByTime(5_000);
  expect(stepsMs).toEqual([]);
});
