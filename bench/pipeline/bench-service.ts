import { systemClock } from "#lib/runtime/clock.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { TableCommit } from "#lib/runtime/service-message.ts";
import { ServiceProcess } from "#ops/services/service-process.ts";
import { type Metrics, scrape } from "../measure/prometheus.ts";

export interface BenchServiceOptions {
  readonly name: string;
  readonly logPath: string;
  /** Of its status server. */
  readonly port: number;
  readonly env: Readonly<Record<string, string>>;
}

/** A service needs a second or two; whoever takes longer than this waits for something that will not come. */
const READY_MS_MAX = 60_000;

/** A service under measurement: a process that must not end before it is told to. */
export class BenchService {
  readonly kind: "featurizer" | "reducer" | "maintainer";
  readonly logPath: string;
  readonly startedAtMs = Date.now();
  readonly pid: number;
  /** Rejects when the process ends by itself. */
  readonly broken: Promise<never>;
  readonly #port: number;
  readonly #process: ServiceProcess;
  readonly #commits: TableCommit[] = [];
  #isStopping = false;

  constructor(kind: "featurizer" | "reducer" | "maintainer", { name, logPath, port, env }: BenchServiceOptions) {
    this.kind = kind;
    this.logPath = logPath;
    this.#port = port;
    const { promise, reject } = Promise.withResolvers<never>();
    this.broken = promise;
    this.broken.catch(() => undefined);
    this.#process = new ServiceProcess({
      ...{ name, kind, log: logPath },
      env: { ...process.env, ...env, HTTP_PORT: String(port) },
      onMessage: (message) => {
        if (message.kind === "committed") this.#commits.push(message);
      },
    });
    this.#process.failure.catch(reject);
    void this.#process.ended.then(() => {
      if (!this.#isStopping) reject(new FruitstreamError("stack-unavailable", `${name} has ended; see ${logPath}`));
    });
    this.pid = this.#process.pid!;
  }

  /**
   * Resolves when the service has been given partitions.
   *
   * @throws stack-unavailable when it ends before, or takes longer than READY_MS_MAX.
   */
  async untilReady(): Promise<void> {
    const over = new AbortController();
    const late = systemClock.sleep(READY_MS_MAX, over.signal).then(() => {
      const problem = `the ${this.kind} has been given no partitions for ${READY_MS_MAX / 1_000} s`;
      throw new FruitstreamError("stack-unavailable", `${problem}; see ${this.logPath}`);
    });
    await Promise.race([this.#process.ready, this.broken, late]).finally(() => over.abort());
  }

  metrics(): Promise<Metrics> {
    return scrape(this.#port);
  }

  /** The table commits of a reducer so far, in their order. */
  get commits(): readonly TableCommit[] {
    return this.#commits;
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#process.stop();
  }
}
