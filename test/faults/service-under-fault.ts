import { type ChildProcess, spawn } from "node:child_process";
import { appendFileSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { PartReport } from "#lib/runtime/health.ts";
import { LOOPBACK } from "#stack/local-port.ts";
import { endWithProcess } from "./end-with-process.ts";
import { until } from "./until.ts";

const PROJECT_ROOT = fileURLToPath(new URL("../../", import.meta.url));
const RSS_LOOK_MS = 250;
/** A service that is stopped ends within 9 s by itself. */
const STOP_MS_MAX = 12_000;

export type ServiceKind = "featurizer" | "reducer" | "maintainer" | "ingest";

export interface ServiceOptions {
  readonly name: string;
  readonly kind: ServiceKind;
  readonly env: Readonly<Record<string, string>>;
  readonly logPath: string;
}

interface LogLine {
  readonly msg?: string;
  readonly event?: string;
  readonly level?: number;
  readonly partitions?: readonly number[];
  readonly port?: number;
}

interface Readiness {
  readonly ready: boolean;
  readonly parts: Readonly<Record<string, PartReport>>;
}

/**
 * One service as a process that can be killed and frozen. When it was killed it is started again, as an orchestrator
 * would; when it ends by itself, that is a crash and stays on record.
 */
export class ServiceUnderFault {
  readonly name: string;
  readonly kind: ServiceKind;
  readonly #options: ServiceOptions;
  readonly #rssTimer: NodeJS.Timeout;
  readonly #forget: () => void;
  readonly #crashes: string[] = [];
  #child!: ChildProcess;
  #lines: LogLine[] = [];
  #firstLineOfProcess = 0;
  #kills = 0;
  #rssPeakBytes = 0;
  #isEnding = false;

  constructor(options: ServiceOptions) {
    this.name = options.name;
    this.kind = options.kind;
    this.#options = options;
    this.#rssTimer = setInterval(() => this.#lookAtRss(), RSS_LOOK_MS).unref();
    this.#forget = endWithProcess(() => this.#child.kill("SIGKILL"));
    this.#start();
  }

  get kills(): number {
    return this.#kills;
  }

  /** The sentences with which the service ended by itself. */
  get crashes(): readonly string[] {
    return this.#crashes;
  }

  /** The largest resident set of any of its processes, in bytes. */
  get rssPeakBytes(): number {
    return this.#rssPeakBytes;
  }

  /** How many lines with this event it has logged in all its lives. */
  logged(event: string): number {
    return this.#lines.filter((line) => line.event === event).length;
  }

  /** The partitions that the present process was given last; undefined before it has any. */
  get partitions(): readonly number[] | undefined {
    return this.#lines.slice(this.#firstLineOfProcess).findLast(({ event }) => event === "partitions_assigned")
      ?.partitions;
  }

  /** The port on which the present process answers; undefined before it does. */
  get port(): number | undefined {
    return this.#lines.slice(this.#firstLineOfProcess).findLast(({ port }) => port !== undefined)?.port;
  }

  /** Whether the present process is at work: a member of a group has partitions, a maintainer its table, ingest its port. */
  get isAtWork(): boolean {
    if (this.kind === "ingest") return this.port !== undefined;
    if (this.kind === "maintainer") {
      return this.#lines.slice(this.#firstLineOfProcess).some(({ event }) => event === "maintainer_started");
    }
    return (this.partitions?.length ?? 0) > 0;
  }

  /** How many warnings and errors it has logged in all its lives. */
  get complaints(): number {
    return this.#lines.filter(({ level = 0 }) => level >= WARN_LEVEL).length;
  }

  /** What `/readyz` says. */
  async readiness(): Promise<Readiness> {
    const response = await fetch(`http://${LOOPBACK}:${this.port}/readyz`);
    return (await response.json()) as Readiness;
  }

  /** SIGKILL; started again at once. */
  kill(): void {
    this.#lookAtRss();
    if (this.#child.kill("SIGKILL")) this.#kills += 1;
  }

  /** SIGSTOP: everything stands still, heartbeats too. */
  freeze(): void {
    this.#child.kill("SIGSTOP");
  }

  thaw(): void {
    this.#child.kill("SIGCONT");
  }

  /** Ends it for good: with SIGTERM in order, or with SIGKILL at once. */
  async end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    this.#isEnding = true;
    this.#lookAtRss();
    clearInterval(this.#rssTimer);
    const child = this.#child;
    child.kill("SIGCONT");
    child.kill(signal);
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS_MAX);
    await until(`${this.name} has ended`, () => child.exitCode !== null || child.signalCode !== null);
    clearTimeout(timer);
    this.#forget();
  }

  #start(): void {
    this.#firstLineOfProcess = this.#lines.length;
    const { kind, name, env } = this.#options;
    const child = spawn(process.execPath, ["--disable-warning=TimeoutNegativeWarning", `services/${kind}/main.ts`], {
      cwd: PROJECT_ROOT,
      // The name travels in the header User-Agent, by which the S3 proxy knows who asks.
      env: { ...process.env, ...env, AWS_SDK_UA_APP_ID: name },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    for (const stream of [child.stdout!, child.stderr!]) {
      createInterface(stream).on("line", (line) => this.#readLine(line));
    }
    child.once("close", (code, signal) => this.#onEnd(code, signal));
  }

  #readLine(line: string): void {
    appendFileSync(this.#options.logPath, `${line}\n`);
    this.#lines.push(parseLine(line));
  }

  #onEnd(code: number | null, signal: NodeJS.Signals | null): void {
    if (this.#isEnding) return;
    if (signal !== "SIGKILL") {
      const { msg = "without a word" } = this.#lines.findLast(({ level = 0 }) => level >= ERROR_LEVEL) ?? {};
      this.#crashes.push(`${this.name} ended by itself (${signal ?? `exit code ${code}`}): ${msg}`);
    }
    this.#start();
  }

  #lookAtRss(): void {
    try {
      const status = readFileSync(`/proc/${this.#child.pid}/status`, "utf8");
      const [, kibibytes = "0"] = /^VmHWM:\s+(\d+) kB/m.exec(status) ?? [];
      this.#rssPeakBytes = Math.max(this.#rssPeakBytes, Number(kibibytes) * 1_024);
    } catch {
      // It has just ended.
    }
  }
}

/** pino's numbers. */
const WARN_LEVEL = 40;
const ERROR_LEVEL = 50;

/** What is no JSON, such as Node's own report of an uncaught error, counts as an error. */
function parseLine(line: string): LogLine {
  try {
    return JSON.parse(line);
  } catch {
    return { msg: line, level: ERROR_LEVEL };
  }
}
