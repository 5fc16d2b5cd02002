import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, type WriteStream } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { FruitstreamError } from "#lib/runtime/errors.ts";

const PROJECT_ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** A service that ends so often is not being killed for a test: it can't work. */
const RESTARTS_MAX = 50;
/** A service that ends before it has worked for so long is broken, and is not started again. */
const STARTED_MS_MIN = 2_000;
/** Services stop within 9 s by themselves. */
const STOP_MS_MAX = 12_000;

/** As in the Dockerfile; docs/decisions/007 has the figures. */
const NODE_FLAGS = ["--disable-warning=TimeoutNegativeWarning", "--max-semi-space-size=4"];
const MALLOC_ARENA_MAX = "2";

/**
 * One service as a process of its own, started again when it dies, as an orchestrator would. Its log goes to a file.
 */
export class ServiceProcess {
  readonly name: string;
  readonly #entry: string;
  readonly #env: Record<string, string>;
  readonly #log: WriteStream;
  readonly #onEvent: (line: string) => void;
  readonly #signal: AbortSignal | undefined;
  readonly #ready = Promise.withResolvers<void>();
  readonly #failure = Promise.withResolvers<never>();
  #child: ChildProcess | undefined;
  #startedAtMs = 0;
  #restarts = 0;
  #stopping = false;
  #rssPeakBytes = 0;
  #lastError = "";

  /**
   * @param entry the service's main file, relative to the project's root.
   * @param signal once it aborts, the service is not started again: a terminal's Ctrl-C ends the services too.
   */
  constructor(options: {
    name: string;
    entry: string;
    env: Record<string, string>;
    logPath: string;
    onEvent: (line: string) => void;
    signal?: AbortSignal;
  }) {
    this.name = options.name;
    this.#entry = options.entry;
    this.#env = options.env;
    this.#log = createWriteStream(options.logPath, { flags: "a" });
    this.#onEvent = options.onEvent;
    this.#signal = options.signal;
    this.#failure.promise.catch(() => undefined);
    this.#start();
  }

  /** Resolves when the service has been given partitions for the first time. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Rejects when the service can't be kept running. */
  get failure(): Promise<never> {
    return this.#failure.promise;
  }

  /** Of the process that runs now; undefined when it could not be started. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** The largest resident set that a process of this service reported, in bytes; 0 when none stopped in order. */
  get rssPeakBytes(): number {
    return this.#rssPeakBytes;
  }

  /** SIGTERM, and SIGKILL when that does not end it in time. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const child = this.#child;
    if (child && child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((resolve) => child.once("close", resolve));
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS_MAX);
      await ended;
      clearTimeout(timer);
    }
    await new Promise((resolve) => this.#log.end(resolve));
  }

  /** SIGKILL, for a process that is about to end itself and can wait for nothing. */
  kill(): void {
    this.#stopping = true;
    this.#child?.kill("SIGKILL");
  }

  #start(): void {
    this.#startedAtMs = Date.now();
    const child = spawn(process.execPath, [...NODE_FLAGS, this.#entry], {
      cwd: PROJECT_ROOT,
      env: { ...process.env, MALLOC_ARENA_MAX, ...this.#env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    createInterface(child.stdout!).on("line", (line) => this.#readLog(line));
    createInterface(child.stderr!).on("line", (line) => this.#readLog(line));
    child.once("exit", (code, signal) => this.#onExit(code, signal));
  }

  #readLog(line: string): void {
    if (!this.#log.writableEnded) this.#log.write(`${line}\n`);
    const entry = parseLogLine(line);
    if (entry.msg === "partitions assigned") this.#ready.resolve();
    if (typeof entry.rssPeakBytes === "number") this.#rssPeakBytes = Math.max(this.#rssPeakBytes, entry.rssPeakBytes);
    if (typeof entry.level !== "number" || entry.level >= ERROR_LEVEL) this.#lastError = entry.msg ?? line;
  }

  #onExit(code: number | null, signal: NodeJS.Signals | null): void {
    if (this.#stopping || this.#signal?.aborted) return;
    this.#restarts += 1;
    const ended = `${this.name} ended (${signal ?? `exit code ${code}`})`;
    const diedAtOnce = signal === null && Date.now() - this.#startedAtMs < STARTED_MS_MIN;
    if (diedAtOnce || this.#restarts > RESTARTS_MAX) {
      const message = `${ended}: ${this.#lastError}; its log is ${String(this.#log.path)}`;
      this.#failure.reject(new FruitstreamError("stack-unavailable", message));
      return;
    }
    this.#onEvent(`${ended}; starting it again`);
    this.#start();
  }
}

/** pino's number for error. */
const ERROR_LEVEL = 50;

function parseLogLine(line: string): { msg?: string; level?: number; rssPeakBytes?: number } {
  try {
    return JSON.parse(line);
  } catch {
    return {};
  }
}
