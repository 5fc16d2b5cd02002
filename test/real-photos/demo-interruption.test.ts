import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { findFreePorts } from "#stack/local-port.ts";
import { stackStatus, stackWipe } from "#stack/local-stack.ts";
import { readStackSettings, type StackSettings } from "#stack/stack-settings.ts";

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const PHOTOS = path("../../../shared/fruits360/small");
const MODEL = path("../models/mobilenet_v2");
const CLI = path("../../cli/fruitstream.ts");
const WAIT = { timeout: 60_000, interval: 50 };

let scratch: string;
let env: Record<string, string>;
let settings: StackSettings;
let demo: ChildProcess;

beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), "fruitstream-interruption-"));
  const [kafkaPort, controllerPort, s3Port] = await findFreePorts(3);
  // No stack is named, so that the demo starts one of its own.
  const ofStack = /^(KAFKA_|S3_|FRUITSTREAM_(STACK_DIR|.*_PORT)$)/;
  env = Object.fromEntries(
    Object.entries({
      ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !ofStack.test(name))),
      FRUITSTREAM_STACK_DIR: join(scratch, "stack"),
      FRUITSTREAM_KAFKA_PORT: kafkaPort,
      FRUITSTREAM_KAFKA_CONTROLLER_PORT: controllerPort,
      FRUITSTREAM_S3_PORT: s3Port,
    }).map(([name, value]) => [name, String(value)]),
  );
  settings = readStackSettings(env);
  const args = ["--disable-warning=TimeoutNegativeWarning", CLI, "demo", "--photos", PHOTOS, "--model", MODEL];
  // In a process group of its own, to which a signal goes as from a terminal.
  demo = spawn(process.execPath, args, { cwd: scratch, env, detached: true, stdio: ["ignore", "ignore", "pipe"] });
});

afterEach(async () => {
  if (demo.exitCode === null && demo.signalCode === null) process.kill(-demo.pid!, "SIGKILL");
  await stackWipe(settings);
  await rm(scratch, { recursive: true, force: true });
});

test.each([
  { name: "Ctrl-C", signal: "SIGINT", toGroup: true, code: 130 },
  { name: "SIGTERM", signal: "SIGTERM", toGroup: false, code: 143 },
] as const)("a demo under $name stops its services and its stack", async ({ signal, toGroup, code }) => {
  const servicePids = await whilePhotosFlow();
  process.kill(toGroup ? -demo.pid! : demo.pid!, signal);
  expect(await once(demo, "exit")).toEqual([code, null]);
  expect(servicePids.filter(isAlive)).toEqual([]);
  const { servers } = await stackStatus(settings);
  expect(servers.map(({ state }) => state)).toEqual(["stopped", "stopped"]);
});

test("a second signal ends a demo at once, and leaves no service behind", async () => {
  const servicePids = await whilePhotosFlow();
  const stopping = textOn(demo, "stopping what was started");
  demo.kill("SIGTERM");
  await stopping;
  demo.kill("SIGTERM");
  expect(await once(demo, "exit")).toEqual([143, null]);
  await vi.waitFor(() => expect(servicePids.filter(isAlive)).toEqual([]), WAIT);
});

/** Waits until the first photos are on S3, with both services at work; their process ids. */
async function whilePhotosFlow(): Promise<number[]> {
  return await vi.waitFor(async () => {
    expect(demo.exitCode).toBeNull();
    expect(await readdir(join(settings.stateDir, "s3/objects/fruitstream/photos"))).toHaveLength(1);
    const [id] = await readdir(join(scratch, "demo-output"));
    const logs = join(scratch, "demo-output", id!, "logs");
    const pids = await Promise.all(
      ["featurizer-1.log", "reducer-1.log"].map(async (name) => {
        const [first] = (await readFile(join(logs, name), "utf8")).split("\n", 1);
        return (JSON.parse(first!) as { pid: number }).pid;
      }),
    );
    expect(pids.every(isAlive)).toBe(true);
    return pids;
  }, WAIT);
}

function textOn({ stderr }: ChildProcess, text: string): Promise<void> {
  return new Promise((resolve) => {
    let seen = "";
    stderr!.on("data", (chunk) => {
      seen += chunk;
      if (seen.includes(text)) resolve();
    });
  });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
