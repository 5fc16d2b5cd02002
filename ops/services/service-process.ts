import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Environment } from "#lib/runtime/config.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { ServiceMessage, ServiceRequest } from "#lib/runtime/service-message.ts";
import type { ServiceKind } from "./service-environment.ts";
import { openServiceLog, type ServiceLog } from "./service-log.ts";

/** A service that ends so often is not being killed for a test: it can't work. */
const RESTARTS_MAX = 50;
/** A service that was ready before and now ends so soon without being ready is broken, and is not started again. */
const STARTED_MS_MIN = 2_000;
/** Services stop within 9 s by themselves. */
const STOP_MS_MAX = 12_000;

/** As in the Dockerfile; docs/decisions/007 has the figures. */
const NODE_FLAGS = ["--disable-warning=TimeoutNegativeWarning", "--max-semi-space-size=4"];
const MALLOC_ARENA_MAX = "2";

const MAIN = {
  ingest: new URL("../../services/ingest/main.ts", import.meta.url),
  featurizer: new URL("../../services/featurizer/main.ts", import.meta.url),
  reducer: new URL("../../services/reducer/main.ts", import.meta.url),
  maintainer: new URL("../../services/maintainer/main.ts", import.meta.url),
} as const satisfies Record<ServiceKind, URL>;

export interface ServiceOptions {
  /** Names the service to people. */
  readonly name: string;
  readonly kind: ServiceKind;
  /** The whole environment of the process. */
  readonly env: Environment;
  /** The file that its log is appended to, "terminal" for this process's own output; undefined drops it. */
  readonly log: string | "terminal" | undefined;
  readonly onMessage?: (message: ServiceMessage) => void;
  /** With it, the service is started again when it ends, as an orchestrator would, and a person is told so. */
  readonly onRestart?: (line: string) => void;
  /** Once it aborts, the service is not started again: a terminal's Ctrl-C ends the services too. */
  readonly signal?: AbortSignal;
}

/**
 * One service as a process of its own, at the other end of a channel: whether it is ready and what came of its work are
 * messages, so that nobody reads its log. It does not outlive this process.
 */
export class ServiceProcess {
  readonly name: string;
  readonly #options: ServiceOptions;
  readonly #log: ServiceLog;
  readonly #ready = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  readonly #failure = Promise.withResolvers<never>();
  #child!: ChildProcess;
  #closed!: Promise<void>;
  #startedAtMs = 0;
  #wasReady = false;
  #isReady = false;
  #restarts = 0;
  #stopping = false;
  #rssPeakBytes = 0;
  #url: string | undefined;
  #lastError = "";

  constructor(options: ServiceOptions) {
    this.name = options.name;
    this.#options = options;
    this.#log = openServiceLog(options.log);
    this.#failure.promise.catch(() => undefined);
    this.#start();
  }

  /** Resolves when the service is ready for the first time, as its `/readyz` says: a group's member has been assigned. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Resolves when a service that is not started again has ended in order, by itself or by `stop`. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Rejects when the service can't be kept running. */
  get failure(): Promise<never> {
    return this.#failure.promise;
  }

  /** Of the process that runs now; undefined when it could not be started. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Where the process that ran last answers over HTTP; undefined before one listens. */
  get url(): string | undefined {
    return this.#url;
  }

  /** The largest resident set that a process of this service reported, in bytes; 0 when none stopped in order. */
  get rssPeakBytes(): number {
    return this.#rssPeakBytes;
  }

  /** Asks the service to stop, and ends it with SIGKILL when it doesn't in time. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const child = this.#child;
    if (child.exitCode === null && child.signalCode === null) {
      const request: ServiceRequest = { kind: "stop" };
      // A channel that breaks at this moment belongs to a process that ends.
      if (child.connected) child.send(request, () => undefined);
      const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS_MAX);
      await this.#closed;
      clearTimeout(timer);
    }
    this.#log.close();
    this.#ended.resolve();
  }

  #start(): void {
    this.#startedAtMs = performance.now();
    this.#isReady = false;
    const { kind, env } = this.#options;
    const child = fork(fileURLToPath(MAIN[kind]), [], {
      env: { ...env, MALLOC_ARENA_MAX },
      execArgv: NODE_FLAGS,
      stdio: this.#log.stdio,
    });
    endWithThisProcess(child);
    this.#child = child;
    this.#log.takeErrors(child.stderr);
    child.on("message", (message) => this.#onMessage(message as ServiceMessage));
    child.on("error", (error) => {
      this.#lastError = error.message;
    });
    const closed = Promise.withResolvers<void>();
    this.#closed = closed.promise;
    // Not "exit": messages and output may still be under way then.
    child.once("close", (code, signal) => {
      closed.resolve();
      this.#onEnd(code, signal);
    });
  }

  #onMessage(message: ServiceMessage): void {
    if (message.kind === "ready") {
      this.#wasReady = true;
      this.#isReady = true;
      this.#ready.resolve();
    }
    if (message.kind === "listening") this.#url = message.url;
    if (message.kind === "failed") this.#lastError = message.message;
    if (message.kind === "ended") this.#rssPeakBytes = Math.max(this.#rssPeakBytes, message.rssPeakBytes);
    this.#options.onMessage?.(message);
  }

  #onEnd(code: number | null, signal: NodeJS.Signals | null): void {
    const { log, onRestart, signal: interrupted } = this.#options;
    if (this.#stopping || interrupted?.aborted) return;
    if (!onRestart && code === 0) {
      this.#ended.resolve();
      return;
    }
    this.#restarts += 1;
    const ended = `${this.name} ended (${signal ?? `exit code ${code}`})`;
    if (!onRestart || (signal === null && this.#cannotWork()) || this.#restarts > RESTARTS_MAX) {
      const reason = this.#lastError || this.#log.lastError;
      const seeAlso = log === undefined || log === "terminal" ? "" : `; its log is ${log}`;
      this.#failure.reject(new FruitstreamError("stack-unavailable", `${ended}: ${reason}${seeAlso}`));
      return;
    }
    onRestart(`${ended}; starting it again`);
    this.#start();
  }

  /** How long a start takes is the machine's doing, so that time alone says nothing of the first one. */
  #cannotWork(): boolean {
    if (!this.#wasReady) return true;
    return !this.#isReady && performance.now() - this.#startedAtMs < STARTED_MS_MIN;
  }
}

const running = new Set<ChildProcess>();

/** Kills a child at the end of this process that nobody waits for, such as that of a second Ctrl-C. */
function endWithThisProcess(child: ChildProcess): void {
  if (running.size === 0) process.once("exit", killRunning);
  running.add(child);
  child.once("close", () => {
    running.delete(child);
    if (running.size === 0) process.off("exit", killRunning);
  });
}

function killRunning(): void {
  for (const child of running) child.kill("SIGKILL");
}

/** Services that belong together, each a process. */
export interface ServiceGroup {
  readonly services: readonly ServiceProcess[];
  /** Resolves when every service is ready for the first time. */
  readonly ready: Promise<void>;
  /** Rejects when one of them can't be kept running. */
  readonly failure: Promise<never>;
  stop(): Promise<void>;
}

export function startServiceGroup(options: readonly ServiceOptions[]): ServiceGroup {
  const services = options.map((one) => new ServiceProcess(one));
  const failure = Promise.race(services.map((service) => service.failure));
  failure.catch(() => undefined);
  return {
    services,
    ready: Promise.all(services.map(({ ready }) => ready)).then(() => undefined),
    failure,
    stop: async () => void (await Promise.all(services.map((service) => service.stop()))),
  };
}
