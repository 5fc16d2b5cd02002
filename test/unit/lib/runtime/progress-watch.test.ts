import { expect, test } from "vitest";
import type { MonotonicClock } from "#lib/runtime/clock.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { Health } from "#lib/runtime/health.ts";
import { type Logger, silentLogger } from "#lib/runtime/logger.ts";
import { type Progress, ProgressWatch } from "#lib/runtime/progress-watch.ts";

const MINUTES = 60_000;

/** Runs a watch over what is seen at each look, by the clock's minutes, and gives what it said then. */
async function watch(minutes: number, see: (minute: number, health: Health) => Progress, gatherMsMax = 0) {
  const over = new AbortController();
  const lines: string[] = [];
  const states: (string | undefined)[] = [];
  let nowMs = 0;
  const clock: MonotonicClock = {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs,
    sleep: async (delayMs) => {
      states.push(health.parts.progress?.state);
      nowMs += delayMs;
      if (nowMs > minutes * MINUTES) over.abort();
    },
  };
  const health = new Health(clock.nowMs, ["s3"]);
  health.report("s3", "ok");
  const keep = (_: unknown, text?: string) => void lines.push(text!);
  const logger: Logger = Object.assign(Object.create(silentLogger), { error: keep });
  const watching = new ProgressWatch({ clock, health, logger }, gatherMsMax);
  await watching.run(async () => see(nowMs / MINUTES, health), over.signal);
  return { health, lines, states };
}

test("work that stands still is stuck after ten minutes, is said once, and makes the service unready", async () => {
  const { health, lines } = await watch(20, () => ({ position: "0:7", toDo: 3 }));
  expect(health.ready).toBe(false);
  expect(health.parts.progress).toMatchObject({
    state: "stuck",
    detail: expect.stringMatching(/^nothing done .*3 records/),
  });
  expect(lines).toHaveLength(1);
});

test("it is not stuck before", async () => {
  const { health } = await watch(10, () => ({ position: "0:7", toDo: 3 }));
  expect(health.ready).toBe(true);
});

test("a service that gathers for an hour is not stuck in its first hour", async () => {
  const { states, lines } = await watch(80, () => ({ position: "0:7", toDo: 3 }), 60 * MINUTES);
  expect(states.slice(0, 60)).not.toContain("stuck");
  expect(lines).toHaveLength(1);
});

test("nothing to do is not stuck, however long", async () => {
  const { states } = await watch(60, () => ({ position: "0:7", toDo: 0 }));
  expect(states).not.toContain("stuck");
});

test("slow is not stuck", async () => {
  const { states } = await watch(60, (minute) => ({ position: String(Math.floor(minute / 9)), toDo: 1_000 }));
  expect(states).not.toContain("stuck");
});

test("waiting for S3 is not stuck; standing still after it came back is", async () => {
  const standing = (backAtMinute: number) =>
    watch(40, (minute, health) => {
      health.report("s3", minute < backAtMinute ? "waiting" : "ok");
      return { position: "0:7", toDo: 3 };
    });
  expect((await standing(60)).states).not.toContain("stuck");
  const { health, states } = await standing(20);
  expect(states.indexOf("stuck")).toBeGreaterThan(2 * 29);
  expect(health.parts).toMatchObject({ s3: { state: "ok" }, progress: { state: "stuck" } });
});

test("what was stuck is well again as soon as anything is done", async () => {
  const { health, states } = await watch(20, (minute) => ({ position: minute < 15 ? "0:7" : "0:8", toDo: 3 }));
  expect(states).toContain("stuck");
  expect(health.ready).toBe(true);
});

test("a look that fails tells nothing", async () => {
  const away = new FruitstreamError("broker-unavailable", "no answer; try again");
  const { states } = await watch(60, () => {
    throw away;
  });
  expect(new Set(states)).toEqual(new Set(["ok"]));
});
