import { spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { FruitstreamError } from "#lib/runtime/errors.ts";

const PROJECT_ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** pino's number for error. */
const ERROR_LEVEL = 50;

export interface LogEntry extends Readonly<Record<string, unknown>> {
  readonly msg?: string;
  readonly level?: number;
}

export interface BoundedService {
  readonly kind: "featurizer" | "reducer";
  readonly env: Readonly<Record<string, string>>;
  /** Gets the service's log; undefined drops it. */
  readonly logFile: string | undefined;
  readonly onLog?: (entry: LogEntry) => void;
}

/**
 * Runs a service that knows where to stop, as a process of its own, until it ends by itself.
 *
 * @throws the signal's reason once the process has stopped in order; stack-unavailable when it fails, with its own words.
 */
export async function runBoundedService(service: BoundedService, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { kind, env, logFile, onLog } = service;
  const child = spawn(process.execPath, ["--disable-warning=TimeoutNegativeWarning", `services/${kind}/main.ts`], {
    cwd: PROJECT_ROOT,
    env: { ...process.env, ...env, HTTP_PORT: "0" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const stop = () => child.kill("SIGTERM");
  const kill = () => child.kill("SIGKILL");
  signal.addEventListener("abort", stop, { once: true });
  process.once("exit", kill);
  const log = logFile === undefined ? undefined : createWriteStream(logFile, { flags: "a" });
  let lastError = "";
  const readLine = (line: string) => {
    log?.write(`${line}\n`);
    const entry = parseLogLine(line);
    if (entry.level === undefined || entry.level >= ERROR_LEVEL) lastError = entry.msg ?? line;
    onLog?.(entry);
  };
  createInterface(child.stdout).on("line", readLine);
  createInterface(child.stderr).on("line", readLine);
  try {
    const [code, killedBy] = (await once(child, "close")) as [number | null, string | null];
    signal.throwIfAborted();
    if (code === 0) return;
    const ended = `the ${kind} ended before it was done (${killedBy ?? `exit code ${code}`})`;
    throw new FruitstreamError("stack-unavailable", `${ended}: ${lastError}; run the same command again to go on`);
  } finally {
    signal.removeEventListener("abort", stop);
    process.off("exit", kill);
    log?.end();
  }
}

function parseLogLine(line: string): LogEntry {
  try {
    return JSON.parse(line);
  } catch {
    return {};
  }
}
