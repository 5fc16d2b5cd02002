import { connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleepMs } from "node:timers/promises";
import { LOOPBACK } from "#stack/local-port.ts";

/**
 * What the proxy does with bytes:
 * - `pass`: forwards them.
 * - `slow`: forwards each piece after SLOW_MS, in order.
 * - `stall`: accepts connections and reads nothing, as a host that hangs.
 * - `cut`: breaks all connections and refuses new ones, as a broker that is away.
 */
export type KafkaFault = "pass" | "slow" | "stall" | "cut";

const SLOW_MS = 40;

/** A TCP proxy on the port that the broker advertises to the services. It knows nothing of Kafka's protocol. */
export class KafkaFaultProxy {
  readonly #server: Server;
  readonly #brokerPort: number;
  readonly #pairs = new Set<readonly [client: Socket, broker: Socket]>();
  #fault: KafkaFault = "pass";
  #idleMsMax = 0;
  #idleEnds = 0;

  private constructor(server: Server, brokerPort: number) {
    this.#server = server;
    this.#brokerPort = brokerPort;
    server.on("connection", (client) => this.#accept(client));
  }

  static async open(port: number, brokerPort: number): Promise<KafkaFaultProxy> {
    const server = createServer({ noDelay: true });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once("error", reject).listen(port, LOOPBACK, resolve);
    await promise;
    return new KafkaFaultProxy(server, brokerPort);
  }

  /** The connections that stand now. */
  get connections(): number {
    return this.#pairs.size;
  }

  set(fault: KafkaFault): void {
    this.#fault = fault;
    if (fault === "cut") this.reset();
    for (const socket of [...this.#pairs].flat()) fault === "stall" ? socket.pause() : socket.resume();
  }

  /** How many connections were closed because they lay idle. */
  get idleEnds(): number {
    return this.#idleEnds;
  }

  /**
   * Closes connections in order that have carried nothing for so long, as a broker does after its
   * connections.max.idle.ms; 0 leaves them alone.
   */
  closeIdle(idleMsMax: number): void {
    this.#idleMsMax = idleMsMax;
    for (const [client] of this.#pairs) client.setTimeout(idleMsMax);
  }

  /** Breaks every connection with a TCP reset; clients may come back at once. */
  reset(): void {
    for (const socket of [...this.#pairs].flat()) socket.resetAndDestroy();
  }

  close(): Promise<void> {
    this.reset();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #accept(client: Socket): void {
    if (this.#fault === "cut") {
      client.resetAndDestroy();
      return;
    }
    const broker = connect({ host: LOOPBACK, port: this.#brokerPort, noDelay: true });
    const pair = [client, broker] as const;
    this.#pairs.add(pair);
    client.setTimeout(this.#idleMsMax).on("timeout", () => {
      this.#idleEnds += 1;
      client.end();
    });
    for (const [from, to] of [pair, [broker, client] as const]) {
      this.#forward(from, to);
      from.on("error", () => to.destroy());
      from.on("close", () => {
        to.destroy();
        this.#pairs.delete(pair);
      });
    }
  }

  #forward(from: Socket, to: Socket): void {
    let written: Promise<unknown> = Promise.resolve();
    from.on("data", (bytes) => {
      if (this.#fault === "slow") written = Promise.all([written, sleepMs(SLOW_MS)]);
      // Back pressure is left out: the services bound what they ask for, and their requests are small.
      written = written.then(() => to.writable && to.write(bytes));
    });
    from.on("end", () => void written.then(() => to.end()));
    if (this.#fault === "stall") from.pause();
  }
}
