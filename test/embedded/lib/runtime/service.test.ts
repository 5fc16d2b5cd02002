import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";

const SERVICE = new URL("../../../../lib/runtime/service.ts", import.meta.url);

/** A process that runs a service with these methods; `started` is called once it runs. */
async function runInProcess(run: string, started: (kill: (signal: NodeJS.Signals) => void) => void = () => undefined) {
  const script = `
    import { runService } from ${JSON.stringify(SERVICE.href)};
    // As the sockets of a real service do.
    setInterval(() => undefined, 1_000);
    let stop;
    const stopped = new Promise((resolve) => { stop = resolve; });
    await runService("test", async () => ({
      run: async () => { console.log("running"); ${run} },
      stop: async () => { console.log("stop was called"); stop(); },
    }));`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  child.stdout.once("data", () => started((signal) => child.kill(signal)));
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, "close")]);
  return { code, stops: output.split("stop was called").length - 1 };
}

test("a service that has nothing left to do is stopped in order, and its process ends", async () => {
  expect(await runInProcess("")).toEqual({ code: 0, stops: 1 });
});

test("a service that works for ever is stopped by a signal", async () => {
  expect(await runInProcess("await stopped;", (kill) => kill("SIGTERM"))).toEqual({ code: 0, stops: 1 });
});

test("a crash ends the process with 1", async () => {
  expect(await runInProcess('throw new Error("broken");')).toEqual({ code: 1, stops: 0 });
});
