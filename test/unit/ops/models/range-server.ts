import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** How the server treats one request. */
export interface Behaviour {
  /** An error to answer with. */
  readonly status?: number;
  /** Cuts the connection after so many bytes of the body, once `received` says that they have arrived. */
  readonly cutAfter?: number;
  /** Sends so many bytes of the body, then nothing, and keeps the connection. */
  readonly stallAfter?: number;
  readonly withoutRanges?: boolean;
  readonly withoutLength?: boolean;
  readonly etag?: string;
  readonly body?: Buffer;
}

/** A server of one file that does as the next behaviour says, and as the last one from then on. */
export class RangeServer {
  /** The Range header of each request. */
  readonly ranges: (string | undefined)[] = [];
  readonly #body: Buffer;
  readonly #server: Server;
  #behaviours: Behaviour[] = [];
  #cut: { atBytes: number; response: ServerResponse } | undefined;

  private constructor(body: Buffer) {
    this.#body = body;
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  static async open(body: Buffer): Promise<RangeServer> {
    const server = new RangeServer(body);
    server.#server.listen(0, "127.0.0.1");
    await once(server.#server, "listening");
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/model.onnx`;
  }

  behave(...behaviours: Behaviour[]): void {
    this.#behaviours = behaviours;
  }

  /** How much of the file the client has: a cut any earlier would lose what is on its way, more or less of it. */
  received(bytes: number): void {
    if (bytes === this.#cut?.atBytes) this.#cut.response.destroy();
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const behaviour = (this.#behaviours.length > 1 ? this.#behaviours.shift() : this.#behaviours[0]) ?? {};
    const { status, etag = '"one"', body = this.#body, withoutRanges = false } = behaviour;
    this.ranges.push(request.headers.range);
    if (status !== undefined) {
      response.writeHead(status).end();
      return;
    }
    const { range, "if-range": ifRange } = request.headers;
    const start = !withoutRanges && range && ifRange === etag ? Number(/\d+/.exec(range)![0]) : 0;
    const rest = body.subarray(start);
    response.writeHead(start > 0 ? 206 : 200, {
      etag,
      ...(behaviour.withoutLength ? {} : { "content-length": rest.length }),
      ...(start > 0 ? { "content-range": `bytes ${start}-${body.length - 1}/${body.length}` } : {}),
    });
    const { cutAfter, stallAfter } = behaviour;
    const part = cutAfter ?? stallAfter;
    if (part === undefined) response.end(rest);
    else response.write(rest.subarray(0, part));
    this.#cut = cutAfter === undefined ? undefined : { atBytes: start + cutAfter, response };
  }
}
