import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, onTestFinished, test } from "vitest";
import { withFileLock } from "#stack/file-lock.ts";

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fruitstream-lock-"));
  path = join(folder, "made", "on-the-way", "stack.lock");
});

afterEach(() => rm(folder, { recursive: true }));

const WAIT_MS_MAX = 10_000;

test("work under the lock never overlaps, and gives its result", async () => {
  let inside = 0;
  let mostInside = 0;
  const work = async (n: number) => {
    inside += 1;
    mostInside = Math.max(mostInside, inside);
    await new Promise((resolve) => setImmediate(resolve));
    inside -= 1;
    return n;
  };
  const results = await Promise.all([1, 2, 3].map((n) => withFileLock(path, WAIT_MS_MAX, () => work(n))));
  expect(results).toEqual([1, 2, 3]);
  expect(mostInside).toBe(1);
});

test("work that throws releases the lock", async () => {
  const failed = withFileLock(path, WAIT_MS_MAX, () => Promise.reject(new Error("no luck")));
  await expect(failed).rejects.toThrow("no luck");
  expect(await withFileLock(path, 0, async () => "next")).toBe("next");
});

test("a living holder keeps the lock from others, a killed one does not", async () => {
  const source = new URL("../../../stack/file-lock.ts", import.meta.url).href;
  const program = `
    const { withFileLock } = await import(${JSON.stringify(source)});
    await withFileLock(${JSON.stringify(path)}, 0, () => {
      console.log("held");
      return new Promise((resolve) => process.stdin.once("close", resolve).resume());
    });`;
  const holder = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  onTestFinished(() => {
    holder.kill("SIGKILL");
  });
  await once(holder.stdout, "data");

  const refused = withFileLock(path, 0, async () => "too early");
  await expect(refused).rejects.toMatchObject({ code: "stack-unavailable" });
  holder.kill("SIGKILL");
  expect(await withFileLock(path, WAIT_MS_MAX, async () => "free")).toBe("free");
});
