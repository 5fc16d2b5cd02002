import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const PRIORITY = new URL("../../../../lib/runtime/priority.ts", import.meta.url);

test.runIf(process.platform === "linux")("every thread of the process yields, also those started later", async () => {
  const script = `
    import { readdirSync, readFileSync } from "node:fs";
    import { Worker } from "node:worker_threads";
    import { once } from "node:events";
    import { lowerPriority } from ${JSON.stringify(PRIORITY.href)};
    lowerPriority(7);
    const worker = new Worker("setInterval(() => {}, 1000)", { eval: true });
    await once(worker, "online");
    const stat = (tid) => readFileSync("/proc/self/task/" + tid + "/stat", "utf8");
    const nice = readdirSync("/proc/self/task").map((tid) => Number(stat(tid).split(") ")[1].split(" ")[16]));
    console.log(nice.length > 4, [...new Set(nice)].join());
    process.exit();`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script]);
  expect(stdout).toBe("true 7\n");
});
