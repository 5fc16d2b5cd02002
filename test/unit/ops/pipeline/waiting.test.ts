import { expect, test } from "vitest";
import type { Clock } from "#lib/runtime/clock.ts";
import { tellingWait, WAIT_UNTOLD_MS_MAX } from "#ops/pipeline/waiting.ts";

/** A clock whose sleeps end when the test says so. */
function handClock() {
  const sleeping: { delayMs: number; wake: () => void }[] = [];
  const clock: Clock = {
    nowMs: () => 0,
    sleep: (delayMs, signal) =>
      new Promise((resolve, reject) => {
        sleeping.push({ delayMs, wake: resolve });
        signal?.addEventListener("abort", () => reject(signal.reason));
      }),
  };
  return { clock, sleeping };
}

test("what is waited for is told while it is waited for, within two seconds", async () => {
  const { clock, sleeping } = handClock();
  const notes: string[] = [];
  const work = Promise.withResolvers<number>();
  const waiting = tellingWait(
    "Kafka at a:1",
    (line) => notes.push(line),
    () => work.promise,
    clock,
  );
  expect(sleeping[0]!.delayMs).toBe(WAIT_UNTOLD_MS_MAX);
  expect(WAIT_UNTOLD_MS_MAX).toBeLessThan(2_000);
  sleeping[0]!.wake();
  await expect.poll(() => notes).toEqual(["waiting for Kafka at a:1 …"]);
  work.resolve(7);
  expect(await waiting).toBe(7);
});

test("work that ends at once, well or not, is not told of", async () => {
  const notes: string[] = [];
  const tell = (line: string) => notes.push(line);
  expect(await tellingWait("Kafka", tell, async () => 7, handClock().clock)).toBe(7);
  const failing = tellingWait("Kafka", tell, () => Promise.reject(new Error("refused")), handClock().clock);
  await expect(failing).rejects.toThrow("refused");
  expect(notes).toEqual([]);
});
