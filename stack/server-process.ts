import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleepMs } from "node:timers/promises";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { StackJars } from "./jar-cache.ts";
import { identifyProcess, isRunning, type ProcessIdentity } from "./process-identity.ts";
import type { StackSettings } from "./stack-settings.ts";
import type { ServerName } from "./stack-state.ts";

/** What the local stack must know of a kind of server. */
export interface StackServer {
  readonly name: ServerName;
  /** For messages. */
  readonly title: string;
  /** The ports it listens on, the clients' one first, each with the environment variable that moves it. */
  ports(settings: StackSettings): readonly [ServerPort, ...ServerPort[]];
  /** Writes the server's files, unless its data are there already, and gives the arguments for `java`. */
  prepare(java: string, jars: StackJars, settings: StackSettings): Promise<readonly string[]>;
  /** Whether it serves clients on the port. Never throws. */
  answers(port: number): Promise<boolean>;
}

interface ServerPort {
  readonly port: number;
  readonly setting: string;
}

/** From the start of a server to its first answer. Kafka takes 2 s on an idle machine, and longer after a crash. */
const READY_MS_MAX = 90_000;

/** From SIGTERM to SIGKILL. Kafka takes 2 s; a data folder survives either. */
const STOP_MS_MAX = 30_000;

const POLL_MS = 100;
const LOG_TAIL_LINES = 20;

/**
 * Starts a program that outlives this process. Its output goes to the log; the log of the run before is kept beside it.
 *
 * @throws stack-unavailable with the end of the log when the program ends at once.
 */
export async function startServer(
  title: string,
  program: string,
  args: readonly string[],
  logPath: string,
): Promise<ProcessIdentity> {
  await mkdir(dirname(logPath), { recursive: true });
  await rename(logPath, `${logPath}.before`).catch(() => undefined);
  await using log = await open(logPath, "a");
  const child = spawn(program, args, { detached: true, stdio: ["ignore", log.fd, log.fd], cwd: dirname(logPath) });
  await once(child, "spawn");
  child.unref();
  const identity = await identifyProcess(child.pid!);
  if (!identity) throw await startFailed(title, "ended at once", logPath);
  return identity;
}

/**
 * Waits until a started server serves clients.
 *
 * @throws stack-unavailable with the end of the log when it ends before, or takes longer than 90 s.
 */
export async function waitUntilAnswering(
  server: StackServer,
  identity: ProcessIdentity,
  port: number,
  logPath: string,
): Promise<void> {
  const deadlineMs = Date.now() + READY_MS_MAX;
  while (!(await server.answers(port))) {
    if (!(await isRunning(identity))) throw await startFailed(server.title, "ended while starting", logPath);
    if (Date.now() > deadlineMs) {
      const complaint = `(pid ${identity.pid}) did not answer on port ${port} within ${READY_MS_MAX / 1000} s`;
      throw await startFailed(server.title, complaint, logPath);
    }
    await sleepMs(POLL_MS);
  }
}

/** Ends the process, gently first. Does nothing when it has ended, or when its pid is another program's by now. */
export async function stopServer(identity: ProcessIdentity): Promise<void> {
  const deadlineMs = Date.now() + STOP_MS_MAX;
  if (await isRunning(identity)) signal(identity.pid, "SIGTERM");
  while (await isRunning(identity)) {
    if (Date.now() > deadlineMs) signal(identity.pid, "SIGKILL");
    await sleepMs(POLL_MS);
  }
}

/** The process may end between the look at it and the signal. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

async function startFailed(title: string, complaint: string, logPath: string): Promise<FruitstreamError> {
  const log = await readFile(logPath, "utf8").catch(() => "");
  const tail = log.trimEnd().split("\n").slice(-LOG_TAIL_LINES).join("\n");
  return new FruitstreamError("stack-unavailable", `${title} ${complaint}; ${logPath} ends with:\n${tail}`);
}
