import { createServer, type Server } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { kafkaAnswers } from "#stack/kafka-probe.ts";
import { findFreePorts, LOOPBACK } from "#stack/local-port.ts";

let server: Server | undefined;

afterEach(() => {
  server?.close();
});

/** A server that answers any request with these bytes, one packet each, and then hangs up. */
async function answering(...packets: Buffer[]): Promise<number> {
  const [port] = (await findFreePorts(1)) as [number];
  server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => {
      for (const packet of packets) socket.write(packet);
      socket.end();
    });
  });
  await new Promise<void>((resolve) => server!.listen(port, LOOPBACK, resolve));
  return port;
}

function metadataResponse(correlationId: number, brokers: number): Buffer {
  const head = Buffer.alloc(16);
  [12, correlationId, 0, brokers].forEach((value, index) => {
    head.writeInt32BE(value, index * 4);
  });
  return head;
}

describe("a Kafka server answers when", () => {
  test("it lists a broker, in however many packets", async () => {
    const response = metadataResponse(1, 1);
    expect(await kafkaAnswers(LOOPBACK, await answering(response.subarray(0, 5), response.subarray(5)))).toBe(true);
  });
});

describe("a Kafka server does not answer when", () => {
  test("nobody listens", async () => {
    const [port] = (await findFreePorts(1)) as [number];
    expect(await kafkaAnswers(LOOPBACK, port)).toBe(false);
  });

  test.each([
    ["no broker was let in yet", metadataResponse(1, 0)],
    ["the answer is to another question", metadataResponse(2, 1)],
    ["the answer breaks off", metadataResponse(1, 1).subarray(0, 10)],
    ["it is an HTTP server", Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n")],
  ])("%s", async (_case, response) => {
    expect(await kafkaAnswers(LOOPBACK, await answering(response))).toBe(false);
  });
});
