import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { endpointsAsEnv, type StackEndpoints } from "#stack/endpoints.ts";
import { withFileLock } from "#stack/file-lock.ts";
import { ensureJars, type StackJars } from "#stack/jar-cache.ts";
import { findJava } from "#stack/java-tools.ts";
import { kafkaServer } from "#stack/kafka-process.ts";
import { findFreePorts, LOOPBACK } from "#stack/local-port.ts";
import { endpointsOf } from "#stack/local-stack.ts";
import { isRunning, type ProcessIdentity } from "#stack/process-identity.ts";
import { s3Server } from "#stack/s3-process.ts";
import { type StackServer, startServer, waitUntilAnswering } from "#stack/server-process.ts";
import { readStackSettings, type StackSettings } from "#stack/stack-settings.ts";
import { endWithProcess } from "./end-with-process.ts";
import { KafkaFaultProxy } from "./kafka-fault-proxy.ts";
import { S3FaultProxy } from "./s3-fault-proxy.ts";
import { movePartitions, type PartitionPlace, secondBroker } from "./second-broker.ts";
import { until } from "./until.ts";

const DOWNLOAD_MS_MAX = 15 * 60_000;

/**
 * A Kafka and an S3 server of one's own, as processes on free ports, each with a fault proxy before it. The broker has
 * two listeners: one for the services, which is advertised at the proxy's port, and one for whoever announces and
 * checks, which no fault touches.
 */
export class FaultStack {
  readonly kafkaProxy: KafkaFaultProxy;
  readonly s3Proxy: S3FaultProxy;
  /** Past the proxies. */
  readonly direct: StackEndpoints;
  /** Data, logs and whatever else is to be removed with the stack. */
  readonly folder: string;
  readonly #servers: { readonly kafka: Server; readonly s3: Server };
  readonly #settings: StackSettings;
  #second: Server | undefined;
  readonly #proxied: StackEndpoints;

  private constructor(
    settings: StackSettings,
    ports: Ports,
    servers: { kafka: Server; s3: Server },
    proxies: { kafkaProxy: KafkaFaultProxy; s3Proxy: S3FaultProxy },
  ) {
    this.folder = settings.stateDir;
    this.#settings = settings;
    this.#servers = servers;
    this.kafkaProxy = proxies.kafkaProxy;
    this.s3Proxy = proxies.s3Proxy;
    this.direct = endpointsOf(ports.kafka, ports.s3);
    this.#proxied = endpointsOf(ports.kafkaProxy, ports.s3Proxy);
  }

  static async open(): Promise<FaultStack> {
    const folder = await mkdtemp(join(tmpdir(), "fruitstream-faults-"));
    const [kafka, controller, services, kafkaProxy, s3, s3Proxy] = (await findFreePorts(6)) as SixPorts;
    const ports = { kafka, controller, services, kafkaProxy, s3, s3Proxy };
    const defaults = readStackSettings(process.env);
    const settings = {
      ...defaults,
      stateDir: folder,
      kafkaPort: ports.kafka,
      kafkaControllerPort: ports.controller,
      s3Port: ports.s3,
    };
    const jars = await withFileLock(join(defaults.cacheDir, "stack.lock"), DOWNLOAD_MS_MAX, () =>
      ensureJars(defaults.cacheDir, (line) => console.log(line)),
    );
    const java = await findJava(process.env);
    const servers = {
      kafka: new Server(kafkaServer, settings, java, jars, listenerOverrides(ports)),
      s3: new Server(s3Server, settings, java, jars, []),
    };
    await Promise.all([servers.kafka.start(), servers.s3.start()]);
    return new FaultStack(settings, ports, servers, {
      kafkaProxy: await KafkaFaultProxy.open(ports.kafkaProxy, ports.services),
      s3Proxy: await S3FaultProxy.open(ports.s3Proxy, ports.s3),
    });
  }

  /** How the services reach the stack: through the proxies. */
  get serviceEnv(): Record<string, string> {
    return endpointsAsEnv(this.#proxied);
  }

  killKafka(): Promise<void> {
    return this.#servers.kafka.kill();
  }

  startKafka(): Promise<void> {
    return this.#servers.kafka.start();
  }

  /** Starts a second broker, behind no proxy, and shares partitions out between the two. */
  async shareWithSecondBroker(places: readonly PartitionPlace[]): Promise<void> {
    const { kafka } = this.#servers;
    const { stateDir, kafkaPort, kafkaControllerPort } = this.#settings;
    const command = await kafka.command();
    const folders = [join(stateDir, "kafka"), join(stateDir, "second")] as const;
    if (!this.#second) {
      const [direct, services] = (await findFreePorts(2)) as [number, number];
      const broker = secondBroker(command, folders[0], kafkaControllerPort, { kafka: direct, services });
      const settings = { ...this.#settings, kafkaPort: direct, stateDir: folders[1] };
      this.#second = kafka.beside(broker, settings);
      await this.#second.start();
    }
    await movePartitions(kafka.java, command, folders, kafkaPort, places);
  }

  /** Its partitions are away until it is started again. */
  async killSecondBroker(): Promise<void> {
    await this.#second?.kill();
  }

  async startSecondBroker(): Promise<void> {
    await this.#second?.start();
  }

  killS3(): Promise<void> {
    return this.#servers.s3.kill();
  }

  startS3(): Promise<void> {
    return this.#servers.s3.start();
  }

  /** Ends the faults; what they broke mends itself, or a test says that it doesn't. */
  heal(): void {
    this.kafkaProxy.set("pass");
    this.kafkaProxy.closeIdle(0);
    this.s3Proxy.clear();
  }

  /** Starts the servers that a scenario has left killed, when it failed between the two: the next one needs them. */
  async revive(): Promise<void> {
    const servers = [this.#servers.kafka, this.#servers.s3, ...(this.#second ? [this.#second] : [])];
    for (const server of servers) if (!(await server.isRunning())) await server.start();
  }

  async close(): Promise<void> {
    await Promise.all([this.#servers.kafka.kill(), this.#servers.s3.kill(), this.#second?.kill()]);
    await Promise.all([this.kafkaProxy.close(), this.s3Proxy.close()]);
    await rm(this.folder, { recursive: true, force: true });
  }
}

type SixPorts = [number, number, number, number, number, number];

interface Ports {
  readonly kafka: number;
  readonly controller: number;
  /** The broker's listener behind the proxy. */
  readonly services: number;
  readonly kafkaProxy: number;
  readonly s3: number;
  readonly s3Proxy: number;
}

/** One server of the stack, which may be killed and started again over its data. */
class Server {
  readonly #server: StackServer;
  readonly #settings: StackSettings;
  readonly java: string;
  readonly #jars: StackJars;
  readonly #moreArgs: readonly string[];
  #identity: ProcessIdentity | undefined;
  #forget: (() => void) | undefined;

  constructor(
    server: StackServer,
    settings: StackSettings,
    java: string,
    jars: StackJars,
    moreArgs: readonly string[],
  ) {
    this.#server = server;
    this.#settings = settings;
    this.java = java;
    this.#jars = jars;
    this.#moreArgs = moreArgs;
  }

  /** Another one of the same kind. */
  beside(server: StackServer, settings: StackSettings): Server {
    return new Server(server, settings, this.java, this.#jars, []);
  }

  /** The arguments for `java` that come before the main class. */
  async command(): Promise<readonly string[]> {
    return (await this.#server.prepare(this.java, this.#jars, this.#settings)).slice(0, -2);
  }

  async start(): Promise<void> {
    const { name, title } = this.#server;
    const [{ port }] = this.#server.ports(this.#settings);
    const args = await this.#server.prepare(this.java, this.#jars, this.#settings);
    const logPath = join(this.#settings.stateDir, "logs", `${name}.log`);
    this.#identity = await startServer(title, this.java, [...args, ...this.#moreArgs], logPath);
    const { pid } = this.#identity;
    this.#forget = endWithProcess(() => process.kill(pid, "SIGKILL"));
    await waitUntilAnswering(this.#server, this.#identity, port, logPath);
  }

  async isRunning(): Promise<boolean> {
    return this.#identity !== undefined && isRunning(this.#identity);
  }

  async kill(): Promise<void> {
    this.#forget?.();
    if (!(await this.isRunning())) return;
    process.kill(this.#identity!.pid, "SIGKILL");
    await until(`${this.#server.title} is gone`, async () => !(await this.isRunning()));
  }
}

function listenerOverrides({ kafka, controller, services, kafkaProxy }: Ports): string[] {
  const overrides = {
    listeners: `PLAINTEXT://${LOOPBACK}:${kafka},SERVICES://${LOOPBACK}:${services},CONTROLLER://${LOOPBACK}:${controller}`,
    "advertised.listeners": `PLAINTEXT://${LOOPBACK}:${kafka},SERVICES://${LOOPBACK}:${kafkaProxy}`,
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,SERVICES:PLAINTEXT,CONTROLLER:PLAINTEXT",
  };
  return Object.entries(overrides).flatMap(([name, value]) => ["--override", `${name}=${value}`]);
}
