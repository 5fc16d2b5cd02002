import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { FolderRecordLog } from "#lib/log/folder/folder-record-log.ts";
import { systemClock } from "#lib/runtime/clock.ts";
import { writeTinyModel } from "../../../faults/tiny-model.ts";
import { rowsOf, writePhotos } from "./local-fixtures.ts";

const CLI = fileURLToPath(new URL("../../../../cli/fruitstream.ts", import.meta.url));
const PHOTOS = 240;
const WAIT = { timeout: 60_000, interval: 5 };

let scratch: string;
let out: string;
let running: ChildProcess | undefined;

beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), "fruitstream-local-kills-"));
  out = join(scratch, "out");
  await writeTinyModel(join(scratch, "model"));
  await writePhotos(join(scratch, "photos"), 0, PHOTOS);
});
afterEach(async () => {
  running?.kill("SIGKILL");
  await rm(scratch, { recursive: true });
});

test("a process killed at any time leaves a folder that the next one finishes, each photo once", {
  timeout: 180_000,
}, async () => {
  const outcomes = [await killAt(() => hasFile(join(out, ".fruitstream"), "records.sqlite"))];
  for (let kill = 0; kill < 3; kill++) {
    const versionsBefore = await versions();
    outcomes.push(await killAt(async () => (await versions()) > versionsBefore + 1));
  }
  expect(outcomes).toContain("SIGKILL");
  expect(await start().ended).toEqual([0, null]);
  await expectEachPhotoOnce();
});

test("Ctrl-C ends in order, and the next run goes on", { timeout: 180_000 }, async () => {
  const { process, ended } = start();
  await vi.waitFor(async () => expect(await versions()).toBeGreaterThan(1), WAIT);
  process.kill("SIGINT");
  expect(await ended).toEqual([130, null]);
  expect(await start().ended).toEqual([0, null]);
  await expectEachPhotoOnce();
});

test("a second process is told that the folder is taken", { timeout: 60_000 }, async () => {
  const holder = await FolderRecordLog.open(join(out, ".fruitstream"), systemClock);
  onTestFinished(() => holder.close());
  const { process, ended } = start("pipe");
  const lines: string[] = [];
  process.stderr!.on("data", (text) => lines.push(String(text)));
  expect(await ended).toEqual([2, null]);
  expect(lines.join("")).toContain("another process works with");
});

/** A run with windows so small that there are many commits to be killed between. */
function start(stderr: "ignore" | "pipe" = "ignore") {
  const args = ["local", "--photos", join(scratch, "photos"), "--out", out, "--model", join(scratch, "model")];
  const env = { ...process.env, FEATURIZER_WORKERS: "1", REDUCER_WINDOW_ROWS_MAX: "8" };
  running = spawn(process.execPath, [CLI, ...args], { env, stdio: ["ignore", "ignore", stderr] });
  // With its output read to the end.
  return { process: running, ended: once(running, "close") };
}

/** How the process ended: killed, unless it was done before it was time. */
async function killAt(isDue: () => Promise<boolean>): Promise<string> {
  const { process, ended } = start();
  await vi.waitFor(async () => expect(process.exitCode !== null || (await isDue())).toBe(true), WAIT);
  process.kill("SIGKILL");
  const [code, signal] = await ended;
  return signal ?? `exit code ${code}`;
}

async function versions(): Promise<number> {
  const names = await readdir(join(out, "table", "_delta_log")).catch((): string[] => []);
  return names.filter((name) => name.endsWith(".json")).length;
}

async function hasFile(folder: string, name: string): Promise<boolean> {
  return (await readdir(folder).catch((): string[] => [])).includes(name);
}

async function expectEachPhotoOnce(): Promise<void> {
  const paths = (await rowsOf(out, join(scratch, "reading"))).map(({ path }) => path);
  expect(paths).toHaveLength(PHOTOS);
  expect(new Set(paths).size).toBe(PHOTOS);
}
