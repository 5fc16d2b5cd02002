import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ServiceMessage } from "#lib/runtime/service-message.ts";

const SERVICE = new URL("../../../../lib/runtime/service.ts", import.meta.url);

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fruitstream-service-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

interface Outcome {
  readonly code: number | null;
  readonly stops: number;
  /** How the last stop was asked for. */
  readonly how: string | undefined;
  readonly messages: readonly ServiceMessage[];
}

/** A process that runs a service with this method; `started` is called once it runs. */
async function runInProcess(
  run: string,
  started: (child: ChildProcess) => void = () => undefined,
  env: Record<string, string> = {},
  stopsBy = "",
): Promise<Outcome> {
  const script = join(folder, "main.mjs");
  await writeFile(
    script,
    `
    import { runService } from ${JSON.stringify(SERVICE.href)};
    // As the sockets of a real service do.
    setInterval(() => undefined, 1_000);
    let stop;
    const stopped = new Promise((resolve) => { stop = resolve; });
    await runService("test", ["part"], async ({ health }) => ({
      run: async () => { console.log("running"); ${run} },
      stop: async (how = "drain") => { console.log("stop was called: " + how); ${stopsBy}; stop(); },
    }));`,
  );
  const child = fork(script, { stdio: ["ignore", "pipe", "inherit", "ipc"], env: { ...process.env, ...env } });
  const messages: ServiceMessage[] = [];
  child.on("message", (message) => messages.push(message as ServiceMessage));
  child.stdout!.once("data", () => started(child));
  const [output, [code]] = await Promise.all([text(child.stdout!), once(child, "exit")]);
  // The last messages may still be under way.
  if (child.connected) await once(child, "disconnect");
  const asked = [...output.matchAll(/stop was called: (.*)/g)].map(([, how]) => how);
  return { code, stops: asked.length, how: asked.at(-1), messages };
}

describe("runService", () => {
  test("a service that has nothing left to do is stopped in order, and its process ends", async () => {
    const { code, stops, messages } = await runInProcess("");
    expect({ code, stops }).toEqual({ code: 0, stops: 1 });
    expect(messages).toEqual([{ kind: "ended", rssPeakBytes: expect.any(Number) }]);
  });

  test("a service that works for ever is stopped by a signal", async () => {
    const { code, stops, how } = await runInProcess("await stopped;", (child) => child.kill("SIGTERM"));
    expect({ code, stops, how }).toEqual({ code: 0, stops: 1, how: "drain" });
  });

  test.each([
    { what: "its own error", run: 'throw new Error("broken");' },
    { what: "an error that nobody catches", run: 'setTimeout(() => { throw new Error("broken"); }); await stopped;' },
    { what: "a promise that nobody waits for", run: 'Promise.reject(new Error("broken")); await stopped;' },
  ])("a crash by $what ends the process with 1, is told, and drops what is in flight first", async ({ run }) => {
    const { code, stops, how, messages } = await runInProcess(run);
    expect({ code, stops, how }).toEqual({ code: 1, stops: 1, how: "drop" });
    expect(messages).toContainEqual({ kind: "failed", code: "unforeseen", message: "broken" });
  });

  test("a crash waits for a stop that does not end, but not for long", async () => {
    const { code, stops } = await runInProcess('throw new Error("broken");', undefined, {}, "await stopped");
    expect({ code, stops }).toEqual({ code: 1, stops: 1 });
  });

  test("whoever started it stops it by a message, which a signal beside it does not turn into a second one", async () => {
    const ask = (child: ChildProcess) => {
      child.kill("SIGINT");
      child.send({ kind: "stop" });
      child.send({ kind: "stop" });
    };
    const { code, stops } = await runInProcess("await stopped;", ask);
    expect({ code, stops }).toEqual({ code: 0, stops: 1 });
  });

  test("it stops when whoever started it is gone", async () => {
    const { code, stops } = await runInProcess("await stopped;", (child) => child.disconnect());
    expect({ code, stops }).toEqual({ code: 0, stops: 1 });
  });

  test.each(["debug", "error"])("that it is ready is told once, whatever LOG_LEVEL says: %s", async (level) => {
    const run = 'health.report("part", "ok"); health.report("part", "waiting"); health.report("part", "ok");';
    const { messages } = await runInProcess(run, undefined, { LOG_LEVEL: level });
    expect(messages.map(({ kind }) => kind)).toEqual(["ready", "ended"]);
  });
});
