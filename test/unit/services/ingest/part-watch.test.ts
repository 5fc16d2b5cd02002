import { expect, test } from "vitest";
import { Health } from "#lib/runtime/health.ts";
import { PartWatch } from "#services/ingest/part-watch.ts";

const refused = new Error("503 SlowDown");

test("a part that failed is well again once it answers, without a further step", async () => {
  const { health, watch, looks } = watched(["away", "away", "there"]);
  await expect(watch.during(Promise.reject(refused))).rejects.toBe(refused);
  expect(health.parts.s3).toMatchObject({ state: "waiting", detail: "503 SlowDown" });
  await expect.poll(() => health.parts.s3?.state).toBe("ok");
  expect(looks).toEqual(["away", "away", "there"]);
});

test("a step that succeeds says so, and ends the looking", async () => {
  const { health, watch, looks } = watched([]);
  await expect(watch.during(Promise.reject(refused))).rejects.toBe(refused);
  await expect(watch.during(Promise.reject(refused))).rejects.toBe(refused);
  expect(await watch.during(Promise.resolve("done"))).toBe("done");
  expect(health.ready).toBe(true);
  await new Promise(setImmediate);
  const { length } = looks;
  await new Promise(setImmediate);
  expect(looks).toHaveLength(length);
});

test("nobody looks after the end", async () => {
  const { health, watch, looks, over } = watched(["there"]);
  over.abort();
  await expect(watch.during(Promise.reject(refused))).rejects.toBe(refused);
  await new Promise(setImmediate);
  expect(looks).toEqual([]);
  expect(health.ready).toBe(false);
});

/** A watch whose looks find this, in turn, and then nothing. */
function watched(answers: readonly string[]) {
  const health = new Health(() => 0, ["s3"]);
  const over = new AbortController();
  const looks: string[] = [];
  const clock = { nowMs: () => 0, sleep: () => new Promise<void>(setImmediate) };
  const probe = async () => {
    const answer = answers[looks.length] ?? "away";
    looks.push(answer);
    if (answer === "away") throw new Error("no answer");
  };
  return { health, watch: new PartWatch("s3", { clock, health, probe, signal: over.signal }), looks, over };
}
