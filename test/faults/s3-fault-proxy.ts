import { once } from "node:events";
import { Agent, createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import { LOOPBACK } from "#stack/local-port.ts";
import { classifyS3Request, type S3RequestClass } from "./s3-request-class.ts";

/**
 * What becomes of a request:
 * - `429`, `500`, `503`: refused with this status, without effect.
 * - `reset`: the connection breaks before the request has an effect.
 * - `stall`: never answered, without effect, until the client gives up.
 * - `truncated`: takes effect; the connection breaks in the middle of the reply's body, or of its headers when the
 *   reply has no body.
 * - `reply lost`: takes effect; the connection breaks before the reply.
 * - `held`: nothing, until the injection is removed; then it takes effect and is answered.
 * - `delivered`: nothing at all; it is hit when its reply has been sent.
 */
export const S3_FAULTS = ["429", "500", "503", "reset", "stall", "truncated", "reply lost"] as const;

export type S3Fault = (typeof S3_FAULTS)[number] | "held" | "delivered";

interface S3Exchange {
  readonly requestClass: S3RequestClass;
  /** The service that asked, as its AWS_SDK_UA_APP_ID names it. */
  readonly client: string;
}

export interface InjectionOptions {
  readonly fault: S3Fault;
  /** Whether an exchange is meant. */
  readonly of: (exchange: S3Exchange) => boolean;
  /** So many exchanges that are meant pass before the first is hit; default 0. */
  readonly skip?: number;
  /** So many are hit, one after the other; default 1. */
  readonly times?: number;
  /**
   * Called for each exchange that is hit: with a fault without effect before the client learns of it, otherwise when
   * the effect is there and the client has no reply yet, or with `delivered` has it.
   */
  readonly onHit?: (exchange: S3Exchange) => void;
}

/** A fault in wait. */
export interface Injection {
  readonly hits: number;
  /** Whether all exchanges that it waits for were hit. */
  readonly isSpent: boolean;
  /** Waits no more, and lets go of requests that it has stalled or held. */
  remove(): void;
}

/**
 * An HTTP proxy in front of an S3 server. It holds requests and replies whole, and forwards the client's own Host
 * header, which its signature covers.
 */
export class S3FaultProxy {
  readonly #server: Server;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #s3Port: number;
  readonly #injections: Waiting[] = [];
  readonly #counts = new Map<string, number>();

  private constructor(server: Server, s3Port: number) {
    this.#server = server;
    this.#s3Port = s3Port;
    server.on("request", (incoming: IncomingMessage, reply: ServerResponse) => void this.#serve(incoming, reply));
  }

  static async open(port: number, s3Port: number): Promise<S3FaultProxy> {
    const server = createServer();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once("error", reject).listen(port, LOOPBACK, resolve);
    await promise;
    return new S3FaultProxy(server, s3Port);
  }

  /** How many exchanges met which fault, by `fault × request class`. */
  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  /** Of several faults that wait for an exchange, the oldest takes it. */
  inject(options: InjectionOptions): Injection {
    const waiting = new Waiting(options);
    this.#injections.push(waiting);
    return waiting;
  }

  clear(): void {
    for (const injection of this.#injections.splice(0)) injection.remove();
  }

  close(): Promise<void> {
    this.clear();
    this.#server.closeAllConnections();
    this.#agent.destroy();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  async #serve(incoming: IncomingMessage, reply: ServerResponse): Promise<void> {
    try {
      const body = await readAll(incoming);
      const exchange = exchangeOf(incoming);
      const injection = this.#injections.find((waiting) => waiting.takes(exchange));
      if (!injection) return sendWhole(reply, await this.#forward(incoming, body));

      const { fault } = injection;
      const cell = `${fault} × ${exchange.requestClass}`;
      this.#counts.set(cell, (this.#counts.get(cell) ?? 0) + 1);
      if (fault === "delivered") {
        sendWhole(reply, await this.#forward(incoming, body));
        await once(reply, "close");
        return injection.hit(exchange);
      }
      const upstream = hasEffect(fault) ? await this.#forward(incoming, body) : undefined;
      injection.hit(exchange);
      if (fault === "stall" || fault === "held") await Promise.race([injection.removed, closed(incoming)]);
      if (fault === "held") sendWhole(reply, await this.#forward(incoming, body));
      else if (fault === "truncated") sendHalf(reply, upstream!);
      else if (/^\d/.test(fault)) sendRefusal(reply, Number(fault));
      else reply.socket?.resetAndDestroy();
    } catch {
      // The client has gone, killed most likely, or S3 has.
      reply.socket?.destroy();
    }
  }

  #forward(incoming: IncomingMessage, body: Buffer): Promise<UpstreamReply> {
    const { promise, resolve, reject } = Promise.withResolvers<UpstreamReply>();
    const asked = { method: incoming.method!, path: incoming.url!, headers: incoming.rawHeaders };
    const outgoing = request({ ...asked, host: LOOPBACK, port: this.#s3Port, agent: this.#agent }, (response) => {
      const { statusCode: status = 500, rawHeaders } = response;
      readAll(response).then((content) => resolve({ status, rawHeaders, body: content }), reject);
    });
    outgoing.on("error", reject).end(body);
    return promise;
  }
}

class Waiting implements Injection {
  readonly fault: S3Fault;
  readonly #options: InjectionOptions;
  readonly #removed = Promise.withResolvers<void>();
  #seen = 0;
  #taken = 0;
  #hits = 0;
  #isRemoved = false;

  constructor(options: InjectionOptions) {
    this.fault = options.fault;
    this.#options = options;
  }

  get hits(): number {
    return this.#hits;
  }

  get isSpent(): boolean {
    return this.#hits >= (this.#options.times ?? 1);
  }

  get removed(): Promise<void> {
    return this.#removed.promise;
  }

  takes(exchange: S3Exchange): boolean {
    const { of, skip = 0, times = 1 } = this.#options;
    if (this.#isRemoved || this.#taken >= times || !of(exchange)) return false;
    this.#seen += 1;
    if (this.#seen <= skip) return false;
    this.#taken += 1;
    return true;
  }

  hit(exchange: S3Exchange): void {
    this.#hits += 1;
    this.#options.onHit?.(exchange);
  }

  remove(): void {
    this.#isRemoved = true;
    this.#removed.resolve();
  }
}

interface UpstreamReply {
  readonly status: number;
  /** Names and values in turn. */
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
}

function exchangeOf({ method = "GET", url = "/", headers }: IncomingMessage): S3Exchange {
  const agent = `${headers["user-agent"] ?? ""} ${headers["x-amz-user-agent"] ?? ""}`;
  return { requestClass: classifyS3Request(method, url), client: /\bapp\/([\w.-]+)/.exec(agent)?.[1] ?? "" };
}

function hasEffect(fault: S3Fault): boolean {
  return fault === "truncated" || fault === "reply lost";
}

async function readAll(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function closed(incoming: IncomingMessage): Promise<void> {
  return new Promise((resolve) => incoming.socket.once("close", () => resolve()));
}

function sendWhole(reply: ServerResponse, { status, rawHeaders, body }: UpstreamReply): void {
  reply.writeHead(status, [...rawHeaders]).end(body);
}

/** Written to the socket, since a ServerResponse would make a whole reply of it. */
function sendHalf(reply: ServerResponse, { status, rawHeaders, body }: UpstreamReply): void {
  const names = rawHeaders.filter((_, index) => index % 2 === 0);
  const lines = names.map((name, index) => `${name}: ${rawHeaders[2 * index + 1]}\r\n`).join("");
  const head = Buffer.from(`HTTP/1.1 ${status} \r\n${lines}\r\n`, "latin1");
  const half = body.length > 0 ? Buffer.concat([head, body.subarray(0, body.length / 2)]) : head.subarray(0, -4);
  reply.socket?.end(half);
}

function sendRefusal(reply: ServerResponse, status: number): void {
  const code = status === 500 ? "InternalError" : "SlowDown";
  const body = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>injected</Message></Error>`;
  reply.writeHead(status, { "content-type": "application/xml", "content-length": body.length }).end(body);
}
