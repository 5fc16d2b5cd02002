import { createServer } from "node:net";
import { expect, test } from "vitest";
import { assertPortFree, findFreePorts, LOOPBACK } from "#stack/local-port.ts";

test("free ports are different and can be had", async () => {
  const ports = await findFreePorts(5);
  expect(new Set(ports).size).toBe(5);
  for (const port of ports) await assertPortFree(port, "a test", "SOME_PORT");
});

test("a taken port is refused with its number, its use and the variable that moves it", async () => {
  const [port] = (await findFreePorts(1)) as [number];
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, LOOPBACK, resolve));
  try {
    const refused = expect(assertPortFree(port, "Kafka", "FRUITSTREAM_KAFKA_PORT")).rejects;
    await refused.toMatchObject({
      code: "stack-unavailable",
      message: expect.stringMatching(`port ${port} .*for Kafka.*set FRUITSTREAM_KAFKA_PORT`),
    });
  } finally {
    server.close();
  }
});
