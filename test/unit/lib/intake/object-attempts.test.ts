import { beforeEach, expect, it } from "vitest";
import { ObjectAttempts } from "#lib/intake/object-attempts.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";

const down = () => Promise.reject(new FruitstreamError("store-unavailable", "InternalError: the name is too long"));
const up = () => Promise.resolve("done");

let retries: number;
let onSleep: () => Promise<void>;
let interruption: AbortController;
beforeEach(() => {
  retries = 0;
  onSleep = async () => undefined;
  interruption = new AbortController();
});

function attemptsOn(probe: () => Promise<unknown>): ObjectAttempts {
  const onRetry = () => {
    retries += 1;
  };
  const clock = { nowMs: () => 0, sleep: () => onSleep() };
  return new ObjectAttempts(probe, { clock, signal: interruption.signal, onRetry });
}

it("gives up an object that fails again and again while others are taken, and names it", async () => {
  const attempts = attemptsOn(() => expect.unreachable("others show that the store works"));
  onSleep = async () => void (await attempts.run("b", up));
  await expect(attempts.run("s3://photos/a", down)).rejects.toMatchObject({
    name: "PhotoFault",
    message:
      '"s3://photos/a": given up after 6 attempts, since only this one fails: InternalError: the name is too long',
  });
});

it("gives up an object that is alone once the store answers in between", async () => {
  let probes = 0;
  const attempts = attemptsOn(async () => void probes++);
  await expect(attempts.run("a", down)).rejects.toThrow(/after 8 attempts/);
  expect(probes).toBe(1);
});

it("waits without an end for a store that answers nobody", async () => {
  const attempts = attemptsOn(down);
  const recovered = () => (retries < 500 ? down() : up());
  expect(await attempts.run("a", recovered)).toBe("done");
});

it("does not take others' success before an outage for a sign that the store works", async () => {
  const attempts = attemptsOn(down);
  await Promise.all(Array.from({ length: 20 }, () => attempts.run("b", up)));
  expect(await attempts.run("a", () => (retries < 100 ? down() : up()))).toBe("done");
});

it("takes a request that the store calls wrong for the object's fault, but for everybody's where the probe fails too", async () => {
  const refused = () => Promise.reject(new FruitstreamError("invalid-config", "400 Bad Request"));
  await expect(attemptsOn(up).run("a", refused)).rejects.toMatchObject({ name: "PhotoFault" });
  await expect(attemptsOn(refused).run("a", refused)).rejects.toMatchObject({ code: "invalid-config" });
});

it("passes on at once what can't pass", async () => {
  const missing = new FruitstreamError("access-denied", "refused");
  await expect(attemptsOn(up).run("a", () => Promise.reject(missing))).rejects.toBe(missing);
  expect(retries).toBe(0);
});

it("ends with the signal's reason", async () => {
  const reason = new Error("interrupted");
  onSleep = async () => interruption.abort(reason);
  await expect(attemptsOn(up).run("a", down)).rejects.toBe(reason);
});
