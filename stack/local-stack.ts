import { rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import type { StackEndpoints } from "./endpoints.ts";
import { withFileLock } from "./file-lock.ts";
import { ensureJars } from "./jar-cache.ts";
import { findJava } from "./java-tools.ts";
import { kafkaServer } from "./kafka-process.ts";
import { assertPortFree, LOOPBACK } from "./local-port.ts";
import { isRunning } from "./process-identity.ts";
import { S3_CREDENTIALS, s3Server } from "./s3-process.ts";
import { type StackServer, startServer, stopServer, waitUntilAnswering } from "./server-process.ts";
import type { StackSettings } from "./stack-settings.ts";
import { readStackState, type ServerName, type ServerRecord, writeStackState } from "./stack-state.ts";

/** Takes one line of progress, for a person. */
export type Report = (line: string) => void;

export interface StackUp {
  readonly endpoints: StackEndpoints;
  /** Whether this call started a server: who started the stack may want to stop it. */
  readonly startedHere: boolean;
}

/**
 * Makes Kafka and S3 run on this machine and answer. Starts what does not run yet, over the data that are there; a
 * server that runs keeps its port. Calls may overlap, from any number of processes. The servers outlive the caller.
 *
 * @throws stack-unavailable when Java or Maven is missing, a port is taken, or a server does not come up; what this
 * call had started is then stopped again.
 */
export async function stackUp(settings: StackSettings, report: Report = () => undefined): Promise<StackUp> {
  return exclusively(settings, async () => {
    const records = await runningServers(settings.stateDir);
    const missing = SERVERS.filter(({ name }) => !records[name]);
    try {
      if (missing.length > 0) await startServers(missing, records, settings, report);
      await Promise.all(
        SERVERS.map((server) => {
          const record = records[server.name]!;
          return waitUntilAnswering(server, record, record.port, logPath(settings, server));
        }),
      );
    } catch (error) {
      await stopServers(missing, records);
      throw error;
    }
    return { endpoints: endpointsOf(records.kafka!.port, records.s3!.port), startedHere: missing.length > 0 };
  });
}

/** Stops what runs of the stack. Its data stay. */
export async function stackDown(settings: StackSettings): Promise<void> {
  await exclusively(settings, async () => stopServers(SERVERS, await runningServers(settings.stateDir)));
}

/** Stops the stack and removes its data, its logs and, when nothing else is in it, its folder. */
export async function stackWipe(settings: StackSettings): Promise<void> {
  await exclusively(settings, async () => {
    await stopServers(SERVERS, await runningServers(settings.stateDir));
    // By name, so that a state folder set to a folder with other things in it costs its owner nothing.
    for (const name of [...SERVERS.map((server) => server.name), "logs", "state.json"]) {
      await rm(join(settings.stateDir, name), { recursive: true, force: true });
    }
    await rmdir(settings.stateDir).catch(() => undefined);
  });
}

interface ServerStatus {
  readonly title: string;
  readonly state: "answers" | "does not answer" | "stopped";
  /** The running process. */
  readonly record: ServerRecord | undefined;
}

export interface StackStatus {
  readonly servers: readonly ServerStatus[];
  /** Where the stack is, when all of it answers. */
  readonly endpoints: StackEndpoints | undefined;
}

/** How the stack is at this moment. */
export async function stackStatus(settings: StackSettings): Promise<StackStatus> {
  const records = await runningServers(settings.stateDir);
  const servers = await Promise.all(
    SERVERS.map(async ({ name, title, answers }): Promise<ServerStatus> => {
      const record = records[name];
      if (!record) return { title, state: "stopped", record };
      return { title, state: (await answers(record.port)) ? "answers" : "does not answer", record };
    }),
  );
  const whole = servers.every(({ state }) => state === "answers");
  return { servers, endpoints: whole ? endpointsOf(records.kafka!.port, records.s3!.port) : undefined };
}

const SERVERS: readonly StackServer[] = [kafkaServer, s3Server];

type ServerRecords = Partial<Record<ServerName, ServerRecord>>;

/** The recorded servers whose process still is that process. */
async function runningServers(stateDir: string): Promise<ServerRecords> {
  const { servers } = await readStackState(stateDir);
  const records: ServerRecords = {};
  for (const { name } of SERVERS) {
    const record = servers[name];
    if (record && (await isRunning(record))) records[name] = record;
  }
  return records;
}

/** Starts the servers and adds them to the records, in memory and on disk. Does not wait until they answer. */
async function startServers(
  servers: readonly StackServer[],
  records: ServerRecords,
  settings: StackSettings,
  report: Report,
): Promise<void> {
  for (const server of servers) {
    for (const { port, setting } of server.ports(settings)) await assertPortFree(port, server.title, setting);
  }
  const java = await findJava(process.env);
  const jars = await ensureJars(settings.cacheDir, report);
  for (const server of servers) {
    const [{ port }] = server.ports(settings);
    report(`starting ${server.title} on ${LOOPBACK}:${port}`);
    const args = await server.prepare(java, jars, settings);
    const identity = await startServer(server.title, java, args, logPath(settings, server));
    records[server.name] = { ...identity, port };
    await writeStackState(settings.stateDir, { servers: records });
  }
}

async function stopServers(servers: readonly StackServer[], records: ServerRecords): Promise<void> {
  await Promise.all(servers.map(({ name }) => records[name] && stopServer(records[name])));
}

/** A first download takes minutes on a slow line, and others wait for it. */
const LOCK_WAIT_MS_MAX = 15 * 60_000;

/** One lock for all stacks of a cache: it guards the download too, and outlives a state folder that is wiped. */
function exclusively<T>(settings: StackSettings, work: () => Promise<T>): Promise<T> {
  return withFileLock(join(settings.cacheDir, "stack.lock"), LOCK_WAIT_MS_MAX, work);
}

function logPath(settings: StackSettings, { name }: StackServer): string {
  return join(settings.stateDir, "logs", `${name}.log`);
}

/** Where the local servers are, given their ports. */
export function endpointsOf(kafkaPort: number, s3Port: number): StackEndpoints {
  return {
    kafkaBrokers: [`${LOOPBACK}:${kafkaPort}`],
    s3Endpoint: `http://${LOOPBACK}:${s3Port}`,
    s3Region: "us-east-1",
    s3AccessKeyId: S3_CREDENTIALS.accessKeyId,
    s3SecretAccessKey: S3_CREDENTIALS.secretAccessKey,
    s3ForcePathStyle: true,
  };
}
