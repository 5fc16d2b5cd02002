import { defaultOf, type Environment } from "./config.ts";
import { FruitstreamError } from "./errors.ts";
import { createLogger, type Logger, logConfig } from "./logger.ts";

/** What a composed service offers its process. */
export interface Service {
  /** Works until `stop` is called or there is nothing left to do, or throws what makes the process crash. */
  run(): Promise<void>;
  /** Finishes or drops what is in flight, makes `run` resolve, releases everything. Called once, also after `run`. */
  stop(): Promise<void>;
}

/** What a process gives the service that is composed in it. */
export interface ServiceFrame {
  readonly env: Environment;
  readonly logger: Logger;
  /** Aborts at the first signal: ends waiting for other systems at the start. */
  readonly signal: AbortSignal;
}

/** From the first signal to a forced exit. Orchestrators kill after 10 s (docker) or 30 s (Kubernetes). */
const STOP_MS_MAX = 9_000;

/**
 * The frame around a service's `main.ts`, and the only code that touches the environment, signals and the exit code.
 * SIGTERM and SIGINT stop the service; a second signal, or a stop that takes longer than its bound, ends the process at
 * once, which costs nothing but repeated work. Exit code: 0 after a stop that was asked for or when the work is done, 1
 * after a crash.
 */
export async function runService(name: string, compose: (frame: ServiceFrame) => Promise<Service>) {
  // One that is no level is refused with the rest of the configuration, and that is to be logged.
  const level = logConfig.logLevel.type.safeParse(process.env.LOG_LEVEL || undefined);
  const logger = createLogger(name, level.data ?? defaultOf(logConfig.logLevel));
  const signalled = onStopSignal(logger);
  try {
    const stopping = new AbortController();
    void signalled.then(() => stopping.abort(new Error("stopping")));
    const frame: ServiceFrame = { env: process.env, logger, signal: stopping.signal };
    const service = await Promise.race([compose(frame), signalled]);
    // A signal before there was anything to stop.
    if (!service) process.exit(0);
    const running = service.run();
    const done = running.then(() => boundStopping(logger));
    const stopped = Promise.race([done, signalled]).then(() => service.stop());
    await Promise.all([running, stopped]);
    logger.info({ rssPeakBytes: peakRssBytes() }, "stopped");
    process.exitCode = 0;
  } catch (error) {
    logger.error({ err: error, code: error instanceof FruitstreamError ? error.code : "unforeseen" }, crashLine(error));
    process.exitCode = 1;
  }
  // Libraries may hold timers and sockets; what must be saved has been saved by now.
  process.exit();
}

/** From now on the process has a bounded time. */
function boundStopping(logger: Logger): void {
  setTimeout(() => {
    logger.warn({ stopMsMax: STOP_MS_MAX }, "could not stop in time; what was in flight will be done again");
    process.exit(1);
  }, STOP_MS_MAX).unref();
}

/** Resolves at the first signal; from then on the process has a bounded time, and a second signal ends it at once. */
function onStopSignal(logger: Logger): Promise<undefined> {
  const first = Promise.withResolvers<undefined>();
  let signals = 0;
  const onSignal = (signal: string) => {
    signals += 1;
    if (signals > 1) process.exit(1);
    logger.info({ signal }, "stopping");
    boundStopping(logger);
    first.resolve(undefined);
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
  return first.promise;
}

/** The largest resident set of this process so far. */
function peakRssBytes(): number {
  return process.resourceUsage().maxRSS * 1024;
}

function crashLine(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
