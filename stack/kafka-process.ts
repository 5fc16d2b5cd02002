import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { formatProperties } from "./java-properties.ts";
import { kafkaAnswers } from "./kafka-probe.ts";
import { LOOPBACK } from "./local-port.ts";
import type { StackServer } from "./server-process.ts";
import { type StackSettings, stackConfig } from "./stack-settings.ts";

/** A single Kafka broker that is its own controller (KRaft). */
export const kafkaServer: StackServer = {
  name: "kafka",
  title: "Kafka",
  ports: ({ kafkaPort, kafkaControllerPort }) => [
    { port: kafkaPort, setting: stackConfig.kafkaPort.name },
    { port: kafkaControllerPort, setting: stackConfig.kafkaControllerPort.name },
  ],
  async prepare(java, { kafkaClassPath }, settings) {
    const folder = join(settings.stateDir, "kafka");
    const dataDir = join(folder, "data");
    const configPath = join(folder, "server.properties");
    const command = [...JVM_FLAGS, "-cp", kafkaClassPath];

    await mkdir(folder, { recursive: true });
    if (!existsSync(dataDir)) await format(java, command, settings, folder, dataDir);
    await writeFile(configPath, serverProperties(settings, dataDir));
    return [...command, "kafka.Kafka", configPath];
  },
  answers: (port) => kafkaAnswers(LOOPBACK, port),
};

/** The largest record that the broker takes. Feature vectors of 2048 dimensions are 8 KB. */
const MESSAGE_BYTES_MAX = 2 * 1024 * 1024;

/** What a single broker for development and tests needs set, however it is started. */
export const SINGLE_BROKER_PROPERTIES = {
  "process.roles": "broker,controller",
  "node.id": 1,
  "controller.listener.names": "CONTROLLER",
  "offsets.topic.replication.factor": 1,
  "transaction.state.log.replication.factor": 1,
  "transaction.state.log.min.isr": 1,
  "share.coordinator.state.topic.replication.factor": 1,
  "share.coordinator.state.topic.min.isr": 1,
  "offsets.topic.num.partitions": 4,
  "transaction.state.log.num.partitions": 4,
  "num.partitions": 4,
  "message.max.bytes": MESSAGE_BYTES_MAX,
  "auto.create.topics.enable": false,
  // A group starts when its first member joins instead of waiting three seconds for others.
  "group.initial.rebalance.delay.ms": 0,
} as const;

/** Small and quick to start, since the broker carries one developer's load. */
const JVM_FLAGS = [
  "-Xmx512m",
  "-XX:+UseSerialGC",
  "-XX:TieredStopAtLevel=1",
  `-Dlog4j2.configurationFile=${new URL("./log4j2.properties", import.meta.url).href}`,
];

function serverProperties({ kafkaPort, kafkaControllerPort }: StackSettings, dataDir: string): string {
  return formatProperties({
    ...SINGLE_BROKER_PROPERTIES,
    "controller.quorum.voters": `1@${LOOPBACK}:${kafkaControllerPort}`,
    listeners: `PLAINTEXT://${LOOPBACK}:${kafkaPort},CONTROLLER://${LOOPBACK}:${kafkaControllerPort}`,
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "log.dirs": dataDir,
  });
}

const execFileAsync = promisify(execFile);

/** Gives a new broker its cluster id. The data folder gets its name only when it is whole. */
async function format(
  java: string,
  command: readonly string[],
  settings: StackSettings,
  folder: string,
  dataDir: string,
): Promise<void> {
  const partial = join(folder, "data.new");
  const configPath = join(folder, "format.properties");
  const clusterId = randomBytes(16).toString("base64url");
  await rm(partial, { recursive: true, force: true });
  await writeFile(configPath, serverProperties(settings, partial));
  try {
    await execFileAsync(java, [
      ...command,
      "kafka.tools.StorageTool",
      "format",
      `--cluster-id=${clusterId}`,
      "-c",
      configPath,
    ]);
  } catch (cause) {
    const output = (cause as { stderr?: string }).stderr?.trim() || String(cause);
    throw new FruitstreamError("stack-unavailable", `Kafka can't format ${partial}: ${output}`, { cause });
  }
  await rm(configPath);
  await rename(partial, dataDir);
}
