import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type ConfigOf, setting, someText, wholeNumber } from "#lib/runtime/config.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { Health } from "#lib/runtime/health.ts";
import { registry } from "#lib/runtime/metrics.ts";
import type { ServiceFrame } from "#lib/runtime/service.ts";

/** The environment variables of a service that serves nothing but its status. */
export const statusServerConfig = {
  httpHost: setting("HTTP_HOST", someText.default("127.0.0.1").describe("address of /livez, /readyz and /metrics")),
  httpPort: setting(
    "HTTP_PORT",
    wholeNumber(0, 65_535).default(0).describe("port of /livez, /readyz and /metrics; 0 takes a free one"),
  ),
};

/**
 * Answers what operators and orchestrators ask over HTTP: `/livez` (the event loop turns), `/readyz` (every part is ok;
 * 503 with the parts' reports otherwise) and `/metrics` (Prometheus text). Gives false for any other path, so that a
 * service with routes of its own can go on.
 */
export async function answerStatus(
  request: IncomingMessage,
  response: ServerResponse,
  health: Health,
): Promise<boolean> {
  const path = request.url?.split("?", 1)[0];
  if (path === "/livez") {
    response.writeHead(200, { "content-type": "text/plain" }).end("ok\n");
  } else if (path === "/readyz") {
    response.writeHead(health.ready ? 200 : 503, { "content-type": "application/json" });
    response.end(`${JSON.stringify({ ready: health.ready, parts: health.parts })}\n`);
  } else if (path === "/metrics") {
    const text = await registry.metrics();
    response.writeHead(200, { "content-type": registry.contentType }).end(text);
  } else {
    return false;
  }
  return true;
}

/** A server with nothing but the status paths. */
export function createStatusServer(health: Health): Server {
  return createServer(async (request, response) => {
    if (!(await answerStatus(request, response, health))) response.writeHead(404).end();
  });
}

/** The status server of a service's process, once it listens and whoever started the process was told where. */
export async function startStatusServer(
  { health, logger, tell }: Pick<ServiceFrame, "health" | "logger" | "tell">,
  { httpHost, httpPort }: ConfigOf<typeof statusServerConfig>,
): Promise<Server> {
  const server = createStatusServer(health);
  const port = await listen(server, httpHost, httpPort);
  logger.info({ event: "status_server_listening", port }, "status server listening");
  tell({ kind: "listening", url: httpUrlOf(httpHost, port) });
  return server;
}

/** Where a server is reached from this machine. */
export function httpUrlOf(host: string, port: number): string {
  const reached = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
  return `http://${reached.includes(":") ? `[${reached}]` : reached}:${port}`;
}

/**
 * Starts listening; port 0 takes any free port.
 *
 * @returns the port. @throws invalid-config when the port is taken or not allowed.
 */
export async function listen(server: Server, host: string, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => {
      const message = `can't listen on HTTP_HOST ${host}, HTTP_PORT ${port} (${cause.message}); set another HTTP_PORT`;
      reject(new FruitstreamError("invalid-config", message, { cause }));
    });
    server.listen(port, host, resolve);
  });
  return (server.address() as AddressInfo).port;
}

/** Refuses new connections and waits until the requests in progress are answered. */
export async function closeServer(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  await closed;
}
