import { createServer, type Server } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import type { Clock } from "#lib/runtime/clock.ts";
import { assertPortFree, findFreePorts, LOOPBACK } from "#stack/local-port.ts";

test("free ports are different and can be had", async () => {
  const ports = await findFreePorts(5);
  expect(new Set(ports).size).toBe(5);
  for (const port of ports) await assertPortFree(port, "a test", "SOME_PORT");
});

test("a taken port is refused with its number, its use and the variable that moves it", async () => {
  const [port] = (await findFreePorts(1)) as [number];
  const server = await listenOn(port);
  onTestFinished(() => void server.close());
  const refused = expect(assertPortFree(port, "Kafka", "FRUITSTREAM_KAFKA_PORT", clockThatSleeps())).rejects;
  await refused.toMatchObject({
    code: "stack-unavailable",
    message: expect.stringMatching(`port ${port} .*for Kafka.*set FRUITSTREAM_KAFKA_PORT`),
  });
});

test("a port that is just being given back is waited for", async () => {
  const [port] = (await findFreePorts(1)) as [number];
  const server = await listenOn(port);
  const closing = clockThatSleeps(() => new Promise((resolve) => server.close(resolve)));
  await assertPortFree(port, "Kafka", "FRUITSTREAM_KAFKA_PORT", closing);
});

async function listenOn(port: number): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, LOOPBACK, resolve));
  return server;
}

/** Time passes by sleeping alone. */
function clockThatSleeps(meanwhile: () => Promise<unknown> = async () => undefined): Clock {
  let nowMs = 0;
  return {
    nowMs: () => nowMs,
    sleep: async (delayMs) => {
      nowMs += delayMs;
      await meanwhile();
    },
  };
}
