import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Clock } from "#lib/runtime/clock.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { backoffMs, retrying } from "#lib/runtime/retry.ts";

const policy = { delayMsFirst: 100, delayMsMax: 5_000 };

describe("retrying", () => {
  test("repeats while the fate is retry, and waits in between", async () => {
    const { clock, sleeps } = clockThatSleepsAtOnce();
    const told: number[] = [];
    const hooks = {
      clock,
      signal: new AbortController().signal,
      random: () => 0.5,
      onRetry: (_error: unknown, attempt: number) => told.push(attempt),
    };
    let calls = 0;
    const result = await retrying(policy, hooks, async () => {
      calls += 1;
      if (calls <= 3) throw new FruitstreamError("store-unavailable", "S3 is down");
      return "done";
    });
    expect(result).toBe("done");
    expect(told).toEqual([1, 2, 3]);
    expect(sleeps).toEqual([50, 100, 200]);
  });

  test.each([new FruitstreamError("not-found", "no such key"), new TypeError("a bug")])(
    "gives up on %s",
    async (error) => {
      const { clock, sleeps } = clockThatSleepsAtOnce();
      const hooks = { clock, signal: new AbortController().signal, onRetry: () => undefined };
      await expect(retrying(policy, hooks, () => Promise.reject(error))).rejects.toBe(error);
      expect(sleeps).toEqual([]);
    },
  );

  test("ends with the signal's reason, also while it waits", async () => {
    const controller = new AbortController();
    const reason = new Error("stopping");
    const clock: Clock = {
      nowMs: () => 0,
      sleep: async (_delayMs, signal) => {
        controller.abort(reason);
        signal?.throwIfAborted();
      },
    };
    const hooks = { clock, signal: controller.signal, onRetry: () => undefined };
    const failing = () => Promise.reject(new FruitstreamError("broker-unavailable", "Kafka is down"));
    await expect(retrying(policy, hooks, failing)).rejects.toBe(reason);
  });
});

test("delays double up to their bound and never leave it", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 10_000 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (n, r) => {
        const delayMs = backoffMs(policy, n, () => r);
        expect(delayMs).toBeGreaterThanOrEqual(0);
        expect(delayMs).toBeLessThanOrEqual(Math.min(policy.delayMsMax, policy.delayMsFirst * 2 ** (n - 1)));
      },
    ),
  );
});

function clockThatSleepsAtOnce() {
  const sleeps: number[] = [];
  const clock: Clock = {
    nowMs: () => 0,
    sleep: async (delayMs) => {
      sleeps.push(delayMs);
    },
  };
  return { clock, sleeps };
}
