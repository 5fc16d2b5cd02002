import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { runCli } from "./run-cli.ts";

const CLI = fileURLToPath(new URL("../../../cli/fruitstream.ts", import.meta.url));

/** Each call is a process of its own, on a machine that may be busy. */
describe("the command line", { timeout: 120_000 }, () => {
  it("ends quietly when its reader has had enough", async () => {
    // The reader is gone long before there is anything to read.
    const child = spawn("/bin/sh", ["-c", '"$0" "$1" config | true', process.execPath, CLI]);
    let stderr = "";
    child.stderr.on("data", (chunk) => {
      stderr += chunk;
    });
    await once(child, "close");
    expect(stderr).toBe("");
  });

  it("says what it waits for while Kafka does not answer", async () => {
    // A port on which nobody answers: connections are taken and left alone.
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as { port: number };
    const env = { ...process.env, KAFKA_BROKERS: `127.0.0.1:${port}`, LOG_LEVEL: "" };
    const child = spawn(process.execPath, [CLI, "dead-letters", "list"], { env });
    onTestFinished(() => void child.kill("SIGKILL"));
    const stderr = await new Promise<string>((resolve) => child.stderr.once("data", (chunk) => resolve(String(chunk))));
    expect(stderr).toBe(`waiting for Kafka at 127.0.0.1:${port} …\n`);
  });

  it("names a file that stands where a folder should be", async () => {
    const scratch = await mkdtemp(join(tmpdir(), "fruitstream-conduct-"));
    onTestFinished(() => rm(scratch, { recursive: true }));
    const file = join(scratch, "file");
    await writeFile(file, "");
    const { code, stderr } = await runCli(["sample", "--count", "1", "--out", join(file, "out")]);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/^fruitstream: .*file\/out.*\n$/);
  });
});
