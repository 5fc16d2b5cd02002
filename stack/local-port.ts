import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { FruitstreamError } from "../lib/runtime/errors.ts";

/** The only address that the local stack listens on. */
export const LOOPBACK = "127.0.0.1";

/**
 * Makes sure that a server can listen on the port.
 *
 * @param user what the port is for, and `setting` the environment variable that moves it.
 * @throws stack-unavailable when another program has it.
 */
export async function assertPortFree(port: number, user: string, setting: string): Promise<void> {
  try {
    await bindOnce(port);
  } catch (cause) {
    const message = `port ${port} of ${LOOPBACK}, for ${user}, can't be had (${(cause as NodeJS.ErrnoException).code}); stop the program that has it, or set ${setting} to a free port`;
    throw new FruitstreamError("stack-unavailable", message, { cause });
  }
}

/** Ports that nobody listens on at this moment; all different. */
export async function findFreePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => bind(0)));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map(release));
  return ports;
}

async function bindOnce(port: number): Promise<void> {
  await release(await bind(port));
}

function bind(port: number): Promise<ReturnType<typeof createServer>> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, LOOPBACK, () => resolve(server));
  });
}

function release(server: ReturnType<typeof createServer>): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
