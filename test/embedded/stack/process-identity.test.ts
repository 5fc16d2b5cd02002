import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { afterEach, describe, expect, test } from "vitest";
import { identifyProcess, isRunning } from "#stack/process-identity.ts";

let child: ChildProcess | undefined;

afterEach(() => {
  child?.kill("SIGKILL");
});

async function startSleeper(): Promise<{ child: ChildProcess; pid: number }> {
  child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
  await once(child, "spawn");
  return { child, pid: child.pid! };
}

describe.each(["linux", "darwin"] as const)("a process as %s tells it", (platform) => {
  test.skipIf(platform === "linux" && process.platform !== "linux")("is the same at every look", async () => {
    const { pid } = await startSleeper();
    const first = await identifyProcess(pid, platform);
    expect(first?.startedAt).toMatch(/\S/);
    expect(await identifyProcess(pid, platform)).toEqual(first);
  });

  test("is nobody after it has ended", async () => {
    const { child, pid } = await startSleeper();
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(await identifyProcess(pid, platform)).toBeUndefined();
  });
});

test("a pid that went to another program is not the process that was recorded", async () => {
  const { pid } = await startSleeper();
  const identity = (await identifyProcess(pid))!;
  expect(await isRunning(identity)).toBe(true);
  expect(await isRunning({ pid, startedAt: `${identity.startedAt}0` })).toBe(false);
});
