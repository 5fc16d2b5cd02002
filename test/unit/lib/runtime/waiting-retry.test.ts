import { expect, test } from "vitest";
import { FruitstreamError } from "../../../../lib/runtime/errors.ts";
import { Health } from "../../../../lib/runtime/health.ts";
import { silentLogger } from "../../../../lib/runtime/logger.ts";
import { WaitingRetry } from "../../../../lib/runtime/waiting-retry.ts";

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
