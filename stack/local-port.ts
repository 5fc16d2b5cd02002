import { randomInt } from "node:crypto";
import { createServer } from "node:net";
import { type Clock, systemClock } from "#lib/runtime/clock.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";

/** The only address that the local stack listens on. */
export const LOOPBACK = "127.0.0.1";

/** A server that was killed a moment ago gives its port back when the last of its threads has ended. */
const RELEASE_MS_MAX = 3_000;
const RELEASE_LOOK_MS = 100;

/**
 * Makes sure that a server can listen on the port; waits a moment for one that is just being given back.
 *
 * @param user what the port is for, and `setting` the environment variable that moves it.
 * @throws stack-unavailable when another program has it.
 */
export async function assertPortFree(
  port: number,
  user: string,
  setting: string,
  clock: Clock = systemClock,
): Promise<void> {
  const deadlineMs = clock.nowMs() + RELEASE_MS_MAX;
  for (;;) {
    try {
      return await bindOnce(port);
    } catch (cause) {
      if (clock.nowMs() < deadlineMs) {
        await clock.sleep(RELEASE_LOOK_MS);
        continue;
      }
      const message = `port ${port} of ${LOOPBACK}, for ${user}, can't be had (${(cause as NodeJS.ErrnoException).code}); stop the program that has it, or set ${setting} to a free port`;
      throw new FruitstreamError("stack-unavailable", message, { cause });
    }
  }
}

/** Below the ports that systems give to outgoing connections, which could take a port while its server is away. */
const FREE_PORT_MIN = 20_000;
const FREE_PORT_MAX = 32_000;

/** Ports that nobody listens on at this moment; all different. */
export async function findFreePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = randomInt(FREE_PORT_MIN, FREE_PORT_MAX);
    await bindOnce(port).then(
      () => ports.add(port),
      () => undefined,
    );
  }
  return [...ports];
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
