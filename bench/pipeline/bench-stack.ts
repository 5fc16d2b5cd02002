import { glob, mkdtemp, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openAdmin } from "#lib/log/kafka/kafka-admin.ts";
import type { KafkaSettings } from "#lib/log/kafka/kafka-client.ts";
import { openProducer } from "#lib/log/kafka/kafka-producer.ts";
import type { LogAdmin, PositionedProducer } from "#lib/log/record-log.ts";
import { silentLogger } from "#lib/runtime/logger.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import { openStackStore } from "#ops/pipeline/endpoints.ts";
import type { StackEndpoints } from "#stack/endpoints.ts";
import { findFreePorts } from "#stack/local-port.ts";
import { stackUp, stackWipe } from "#stack/local-stack.ts";
import { readStackSettings, type StackSettings } from "#stack/stack-settings.ts";
import { readStackState } from "#stack/stack-state.ts";
import type { Pids } from "../measure/process-meter.ts";

/** Where all photos and tables of the bench lie. */
export const BUCKET = "bench";

/**
 * Kafka and S3 of the bench's own, on free ports over an empty folder: nobody else's work is in the figures, and the
 * servers' processes are known, so that what they use can be counted.
 */
export class BenchStack {
  readonly endpoints: StackEndpoints;
  readonly serverPids: Pids;
  readonly kafka: KafkaSettings;
  readonly admin: LogAdmin;
  readonly producer: PositionedProducer;
  readonly store: ObjectStore;
  readonly #settings: StackSettings;

  private constructor(
    settings: StackSettings,
    endpoints: StackEndpoints,
    serverPids: Pids,
    clients: { kafka: KafkaSettings; admin: LogAdmin; producer: PositionedProducer; store: ObjectStore },
  ) {
    this.#settings = settings;
    this.endpoints = endpoints;
    this.serverPids = serverPids;
    this.kafka = clients.kafka;
    this.admin = clients.admin;
    this.producer = clients.producer;
    this.store = clients.store;
  }

  static async open(tell: (line: string) => void): Promise<BenchStack> {
    const [kafkaPort, kafkaControllerPort, s3Port] = (await findFreePorts(3)) as [number, number, number];
    const stateDir = await mkdtemp(join(tmpdir(), "fruitstream-bench-stack-"));
    const settings = { ...readStackSettings(process.env), stateDir, kafkaPort, kafkaControllerPort, s3Port };
    const { endpoints } = await stackUp(settings, tell);
    try {
      const { servers } = await readStackState(stateDir);
      const serverPids = { broker: [servers.kafka!.pid], S3: [servers.s3!.pid] };
      const kafka = { brokers: endpoints.kafkaBrokers, clientId: `fruitstream-bench-${process.pid}` };
      const store = openStackStore(endpoints);
      await store.ensureBucket(BUCKET);
      const admin = await openAdmin(kafka, silentLogger);
      const producer = await openProducer(kafka, silentLogger);
      return new BenchStack(settings, endpoints, serverPids, { kafka, admin, producer, store });
    } catch (error) {
      await stackWipe(settings);
      throw error;
    }
  }

  /** What the broker keeps of a topic's records on its disk; its indexes, which are allocated ahead, are not in it. */
  async logBytes(topic: string): Promise<number> {
    const data = join(this.#settings.stateDir, "kafka", "data");
    let bytes = 0;
    for await (const path of glob(`${topic}-*/*.log`, { cwd: data })) bytes += (await stat(join(data, path))).size;
    return bytes;
  }

  async close(): Promise<void> {
    // A server that has ended keeps no client from being closed, and must not keep the other from being stopped.
    await Promise.allSettled([this.admin.close(), this.producer.close()]);
    this.store.close();
    await stackWipe(this.#settings);
  }
}
