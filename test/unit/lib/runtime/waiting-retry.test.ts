import { expect, test } from "vitest";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { Health } from "#lib/runtime/health.ts";
import { silentLogger } from "#lib/runtime/logger.ts";
import { WaitingRetry } from "#lib/runtime/waiting-retry.ts";

test("says what it waits for while it waits, and that all is well afterwards", async () => {
  const health = new Health(() => 0, ["s3", "kafka"]);
  const states: string[] = [];
  const clock = {
    nowMs: () => 0,
    sleep: async () => {
      states.push(`s3 ${health.parts.s3!.state}: ${health.parts.s3!.detail}`);
    },
  };
  const retry = new WaitingRetry({ clock, health, logger: silentLogger });
  let failures = 2;
  const attempt = async () => {
    failures -= 1;
    if (failures >= 0) throw new FruitstreamError("store-unavailable", "503 SlowDown");
    return "done";
  };
  const { signal } = new AbortController();
  expect(await retry.run({ part: "s3", name: "fetch", signal, attempt })).toBe("done");
  const waiting = "s3 waiting: FruitstreamError: 503 SlowDown";
  expect(states).toEqual([waiting, waiting]);
  expect(health.parts).toMatchObject({ s3: { state: "ok" }, kafka: { state: "starting" } });
});

test("is well again when a step ends with an error that no retry mends: that is an answer", async () => {
  const health = new Health(() => 0, ["s3"]);
  const retry = new WaitingRetry({ clock: { nowMs: () => 0, sleep: async () => {} }, health, logger: silentLogger });
  const errors = [new FruitstreamError("store-unavailable", "503"), new FruitstreamError("not-found", "it is gone")];
  const { signal } = new AbortController();
  const run = retry.run({ part: "s3", name: "fetch", signal, attempt: () => Promise.reject(errors.shift()) });
  await expect(run).rejects.toThrow("it is gone");
  expect(health.parts.s3).toMatchObject({ state: "ok" });
});

test("is not well because a step was called off, but once another was answered", async () => {
  const health = new Health(() => 0, ["s3"]);
  const over = new AbortController();
  const sleep = async () => {
    over.abort(new Error("reassigned"));
    over.signal.throwIfAborted();
  };
  const retry = new WaitingRetry({ clock: { nowMs: () => 0, sleep }, health, logger: silentLogger });
  const refuse = () => Promise.reject(new FruitstreamError("store-unavailable", "503"));
  await expect(retry.run({ part: "s3", name: "fetch", signal: over.signal, attempt: refuse })).rejects.toThrow();
  expect(health.parts.s3).toMatchObject({ state: "waiting" });
  const { signal } = new AbortController();
  await retry.run({ part: "s3", name: "fetch", signal, attempt: async () => "done" });
  expect(health.parts.s3).toMatchObject({ state: "ok" });
});

test("is not well while another step still waits", async () => {
  const health = new Health(() => 0, ["s3"]);
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let sleeps = 0;
  const clock = { nowMs: () => 0, sleep: () => gates[sleeps++]!.promise };
  const retry = new WaitingRetry({ clock, health, logger: silentLogger });
  const { signal } = new AbortController();
  const step = () => {
    const answers = [Promise.reject(new FruitstreamError("store-unavailable", "503")), Promise.resolve()];
    answers[0]!.catch(() => undefined);
    return retry.run({ part: "s3", name: "fetch", signal, attempt: () => answers.shift()! });
  };
  const steps = [step(), step()];
  await expect.poll(() => sleeps).toBe(2);
  gates[0]!.resolve();
  await steps[0];
  expect(health.parts.s3).toMatchObject({ state: "waiting" });
  gates[1]!.resolve();
  await steps[1];
  expect(health.parts.s3).toMatchObject({ state: "ok" });
});
