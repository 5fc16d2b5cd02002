import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, onTestFinished, test } from "vitest";
import { runServiceToEnd } from "#ops/services/run-service.ts";
import { serviceEnvironment } from "#ops/services/service-environment.ts";
import { type ServiceOptions, ServiceProcess } from "#ops/services/service-process.ts";
import { findFreePorts } from "#stack/local-port.ts";

let log: string;
beforeEach(async () => {
  const folder = await mkdtemp(join(tmpdir(), "fruitstream-process-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  log = join(folder, "service.log");
});

/** Nobody listens on the ports, so that a service starts and waits. */
let nowhere: { kafkaBrokers: string[]; s3Endpoint: string };
const started: ServiceProcess[] = [];
beforeEach(async () => {
  const [kafkaPort, s3Port] = await findFreePorts(2);
  nowhere = { kafkaBrokers: [`127.0.0.1:${kafkaPort}`], s3Endpoint: `http://127.0.0.1:${s3Port}` };
});
afterEach(async () => {
  await Promise.all(started.splice(0).map((service) => service.stop()));
});

function reducer(
  config: Parameters<typeof serviceEnvironment<"reducer">>[2],
  env: Record<string, string> = {},
): ServiceOptions {
  const keys = { s3AccessKeyId: "id", s3SecretAccessKey: "secret", s3ForcePathStyle: true };
  return {
    name: "reducer-1",
    kind: "reducer",
    log,
    env: serviceEnvironment(
      "reducer",
      { ...process.env, ...env },
      { ...nowhere, ...keys, tableUri: "s3://a/b", ...config },
    ),
  };
}

test.each(["error", "debug"])(
  "a service says where it listens and stops when it is asked to, with LOG_LEVEL=%s",
  async (level) => {
    const listening = Promise.withResolvers<string>();
    const service = new ServiceProcess({
      ...reducer({ httpPort: 0 }, { LOG_LEVEL: level }),
      onMessage: (message) => {
        if (message.kind === "listening") listening.resolve(message.url);
      },
    });
    started.push(service);
    const url = await Promise.race([listening.promise, service.failure]);
    expect(service.url).toBe(url);
    const response = await fetch(`${url}/readyz`);
    expect(response.status).toBe(503);
    await response.text();
    await service.stop();
    await service.ended;
    expect(service.rssPeakBytes).toBeGreaterThan(0);
  },
);

test("a service that can't work is not started again, however long it takes to start", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  onTestFinished(() => void taken.close());
  const { port } = taken.address() as { port: number };
  const restarts: string[] = [];
  // As on a busy machine: the process comes to its first line after more than two seconds.
  const late = encodeURIComponent("Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2500)");
  const env = { LOG_LEVEL: "error", NODE_OPTIONS: `--import data:text/javascript,${late}` };
  const service = new ServiceProcess({ ...reducer({ httpPort: port }, env), onRestart: (line) => restarts.push(line) });
  started.push(service);
  await expect(service.failure).rejects.toThrow(
    new RegExp(`^reducer-1 ended \\(exit code 1\\): can't listen on HTTP_HOST .*; its log is ${log}$`),
  );
  expect(restarts).toEqual([]);
  expect(JSON.parse(await readFile(log, "utf8"))).toMatchObject({ event: "crashed", code: "invalid-config" });
});

test("a killed service is started again", async () => {
  const restarted = Promise.withResolvers<string>();
  const service = new ServiceProcess({ ...reducer({ httpPort: 0 }), onRestart: restarted.resolve });
  started.push(service);
  const { pid } = service;
  process.kill(pid!, "SIGKILL");
  expect(await restarted.promise).toBe("reducer-1 ended (SIGKILL); starting it again");
  expect(service.pid).not.toBe(pid);
});

test("a run to the end fails with the service's sentence, and ends with the signal's reason when it is interrupted", async () => {
  const { signal } = new AbortController();
  const wrong = { ...reducer({}), env: { ...process.env, ...nowhereEnv(), TABLE_URI: "nowhere" } };
  await expect(runServiceToEnd(wrong, signal)).rejects.toThrow(
    /^reducer-1 ended \(exit code 1\): .*nowhere.*; run the same command again to go on$/,
  );
  const interruption = new AbortController();
  const running = runServiceToEnd(
    { ...reducer({}), onMessage: () => interruption.abort(new Error("interrupted")) },
    interruption.signal,
  );
  await expect(running).rejects.toThrow("interrupted");
});

function nowhereEnv() {
  return { KAFKA_BROKERS: nowhere.kafkaBrokers.join(","), S3_ENDPOINT: nowhere.s3Endpoint };
}
