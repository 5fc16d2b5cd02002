import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { endpointsAsEnv, endpointsFromEnv } from "#stack/endpoints.ts";
import { findFreePorts } from "#stack/local-port.ts";
import { stackUp, stackWipe } from "#stack/local-stack.ts";
import { readStackSettings, type StackSettings } from "#stack/stack-settings.ts";
import { containersAvailable, startStackContainers } from "./stack-containers.ts";

export interface TestStack {
  /** `KAFKA_BROKERS`, `S3_ENDPOINT` and the other names that the services read. */
  readonly env: Record<string, string>;
  /** Ends what was started for this stack and removes its data. */
  stop(): Promise<void>;
}

declare module "vitest" {
  interface ProvidedContext {
    stackEnv: Record<string, string>;
  }
}

/** Vitest's global setup: tests get the stack's variables by `inject("stackEnv")` and in `process.env`. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { env, stop } = await startTestStack();
  project.provide("stackEnv", env);
  Object.assign(process.env, env);
  return stop;
}

/**
 * A real Kafka and a real S3 for tests: the ones that the environment names, else containers where a Docker engine
 * answers, else processes of this machine on free ports and in a folder of their own.
 */
export async function startTestStack(): Promise<TestStack> {
  const configured = endpointsFromEnv(process.env);
  if (configured) return { env: endpointsAsEnv(configured), stop: async () => undefined };
  return (await startInContainers()) ?? (await startAsProcesses());
}

async function startInContainers(): Promise<TestStack | undefined> {
  if (!(await containersAvailable())) return undefined;
  try {
    const { endpoints, stop } = await startStackContainers();
    return { env: endpointsAsEnv(endpoints), stop };
  } catch (error) {
    tell(`containers can't be used (${String(error).split("\n", 1)[0]}); using processes instead`);
    return undefined;
  }
}

/** The folder's name tells which process it belongs to. */
const FOLDER_PREFIX = "fruitstream-test-stack-";

async function startAsProcesses(): Promise<TestStack> {
  const defaults = readStackSettings(process.env);
  await wipeAbandoned(defaults);
  const stateDir = await mkdtemp(join(tmpdir(), `${FOLDER_PREFIX}${process.pid}-`));
  const [kafkaPort, kafkaControllerPort, s3Port] = (await findFreePorts(3)) as [number, number, number];
  const settings = { ...defaults, stateDir, kafkaPort, kafkaControllerPort, s3Port };
  try {
    const { endpoints } = await stackUp(settings, tell);
    return { env: endpointsAsEnv(endpoints), stop: () => stackWipe(settings) };
  } catch (error) {
    await rm(stateDir, { recursive: true, force: true });
    throw error;
  }
}

/** The servers outlive a test run that was killed before it could stop them; the next run does. */
async function wipeAbandoned(settings: StackSettings): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const [, owner] = name.startsWith(FOLDER_PREFIX) ? (/(\d+)-\w+$/.exec(name) ?? []) : [];
    if (owner === undefined || isAlive(Number(owner))) continue;
    const stateDir = join(tmpdir(), name);
    const { uid } = await stat(stateDir);
    if (uid === process.getuid?.()) await stackWipe({ ...settings, stateDir });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function tell(line: string): void {
  process.stderr.write(`test stack: ${line}\n`);
}
