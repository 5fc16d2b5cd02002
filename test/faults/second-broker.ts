import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { formatProperties } from "#stack/java-properties.ts";
import { kafkaServer, SINGLE_BROKER_PROPERTIES } from "#stack/kafka-process.ts";
import { LOOPBACK } from "#stack/local-port.ts";
import type { StackServer } from "#stack/server-process.ts";
import { until } from "./until.ts";

const execFileAsync = promisify(execFile);

const NODE_ID = 2;
const LISTENERS = "PLAINTEXT:PLAINTEXT,SERVICES:PLAINTEXT,CONTROLLER:PLAINTEXT";

export interface SecondBrokerPorts {
  /** Of whoever announces and checks. */
  readonly kafka: number;
  readonly services: number;
}

/**
 * A broker that joins the cluster of the first, which stays the controller. It leads nothing until it is given
 * partitions: those are away when it is killed, and no others.
 *
 * @param command the JVM and its flags, without a main class.
 * @param firstFolder where the first broker keeps its data.
 */
export function secondBroker(
  command: readonly string[],
  firstFolder: string,
  controllerPort: number,
  { kafka, services }: SecondBrokerPorts,
): StackServer {
  return {
    ...kafkaServer,
    title: "the second broker",
    async prepare(java, _jars, { stateDir }) {
      const dataDir = join(stateDir, "data");
      const configPath = join(stateDir, "server.properties");
      const listeners = `PLAINTEXT://${LOOPBACK}:${kafka},SERVICES://${LOOPBACK}:${services}`;
      await mkdir(stateDir, { recursive: true });
      const properties = {
        ...SINGLE_BROKER_PROPERTIES,
        "process.roles": "broker",
        "node.id": NODE_ID,
        "controller.quorum.voters": `1@${LOOPBACK}:${controllerPort}`,
        listeners,
        "advertised.listeners": listeners,
        "listener.security.protocol.map": LISTENERS,
        "log.dirs": dataDir,
      };
      await writeFile(configPath, formatProperties(properties));
      if (!existsSync(dataDir)) {
        const clusterId = await clusterIdOf(firstFolder);
        const format = ["kafka.tools.StorageTool", "format", `--cluster-id=${clusterId}`, "-c", configPath];
        await execFileAsync(java, [...command, ...format]);
      }
      return [...command, "kafka.Kafka", configPath];
    },
  };
}

/** Where a partition is to be, with all its records: on the first broker or on the second. */
export interface PartitionPlace {
  readonly topic: string;
  readonly partition: number;
  readonly node: 1 | 2;
}

/** Moves each partition to its place. @param folders of the two brokers, in order. */
export async function movePartitions(
  java: string,
  command: readonly string[],
  folders: readonly [first: string, second: string],
  firstPort: number,
  places: readonly PartitionPlace[],
): Promise<void> {
  const planPath = join(folders[1], "move.json");
  const partitions = places.map(({ topic, partition, node }) => ({ topic, partition, replicas: [node] }));
  await writeFile(planPath, JSON.stringify({ version: 1, partitions }));
  await execFileAsync(java, [
    ...command,
    "org.apache.kafka.tools.reassign.ReassignPartitionsCommand",
    `--bootstrap-server=${LOOPBACK}:${firstPort}`,
    `--reassignment-json-file=${planPath}`,
    "--execute",
  ]);
  const isOn = ({ topic, partition }: PartitionPlace, node: number) =>
    existsSync(join(folders[node - 1]!, "data", `${topic}-${partition}`));
  const isInPlace = (place: PartitionPlace) => isOn(place, place.node) && !isOn(place, 3 - place.node);
  await until("the partitions are in their places", () => places.every(isInPlace));
}

async function clusterIdOf(firstFolder: string): Promise<string> {
  const meta = await readFile(join(firstFolder, "data", "meta.properties"), "utf8");
  return /^cluster\.id=(.*)$/m.exec(meta)![1]!;
}
