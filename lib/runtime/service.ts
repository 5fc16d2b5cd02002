import { systemClock } from "./clock.ts";
import { defaultOf, type Environment } from "./config.ts";
import { FruitstreamError } from "./errors.ts";
import { Health } from "./health.ts";
import { createLogger, type Logger, logConfig } from "./logger.ts";
import type { TellStarter } from "./service-message.ts";
import { onStarterStop, tellStarter } from "./service-message.ts";
import { waitWithin } from "./wait-within.ts";

export type StopHow = "drain" | "drop";

/** What a composed service offers its process. */
export interface Service {
  /** Works until `stop` is called or there is nothing left to do, or throws what makes the process crash. */
  run(): Promise<void>;
  /**
   * Makes `run` resolve and releases everything, its memberships above all. Called once, also after `run`. What is in flight
   * is finished within a bounded time, or, by `drop`, left as it is: after a crash nobody can say whether it is fit to be
   * finished.
   */
  stop(how?: StopHow): Promise<void>;
}

/** What a process gives the service that is composed in it. */
export interface ServiceFrame {
  readonly env: Environment;
  readonly logger: Logger;
  readonly health: Health;
  /** Aborts when a stop is asked for: ends waiting for other systems at the start. */
  readonly signal: AbortSignal;
  /** Tells the process that started this one, if it listens. */
  readonly tell: TellStarter;
}

/** From the first signal to a forced exit. Orchestrators kill after 10 s (docker) or 30 s (Kubernetes). */
const STOP_MS_MAX = 9_000;
/** How long a process that crashes tries to leave its group, whose partitions would rest for a session otherwise. */
const LEAVE_MS_MAX = 3_000;

/**
 * The frame around a service's `main.ts`, and the only code that touches the environment, signals, the channel to the
 * process that started this one, and the exit code.
 *
 * SIGTERM, SIGINT, and the starter's wish or end stop the service; a second signal, or a stop that takes longer than its
 * bound, ends the process at once, which costs nothing but repeated work. A service that crashes, by its own error or by one
 * that nobody has caught, is stopped without finishing anything, within a shorter bound. Exit code: 0 after a stop that was
 * asked for or when the work is done, 1 after a crash.
 *
 * @param parts of its health report.
 */
export async function runService(
  name: string,
  parts: readonly string[],
  compose: (frame: ServiceFrame) => Promise<Service>,
): Promise<never> {
  // One that is no level is refused with the rest of the configuration, and that is to be logged.
  const level = logConfig.logLevel.type.safeParse(process.env.LOG_LEVEL || undefined);
  const logger = createLogger(name, level.data ?? defaultOf(logConfig.logLevel));
  const stopAsked = onStopAsked(logger);
  let service: Service | undefined;
  const composing = async (frame: ServiceFrame) => {
    const composed = await compose(frame);
    let stopped: Promise<void> | undefined;
    service = {
      run: () => composed.run(),
      stop: (how) => {
        stopped ??= composed.stop(how);
        return stopped;
      },
    };
    return service;
  };
  try {
    await Promise.race([runUntil(stopAsked, logger, parts, composing), firstUncaught()]);
    logger.info({ event: "stopped", rssPeakBytes: peakRssBytes() }, "stopped");
    process.exitCode = 0;
  } catch (error) {
    const code = error instanceof FruitstreamError ? error.code : "unforeseen";
    const message = error instanceof Error ? error.message : String(error);
    logger.error({ event: "crashed", err: error, code }, message);
    await tellStarter({ kind: "failed", code, message });
    process.exitCode = 1;
    if (service) await leave(service, logger);
  }
  await tellStarter({ kind: "ended", rssPeakBytes: peakRssBytes() });
  // Libraries may hold timers and sockets; what must be saved has been saved by now.
  process.exit();
}

async function runUntil(
  stopAsked: Promise<undefined>,
  logger: Logger,
  parts: readonly string[],
  compose: (frame: ServiceFrame) => Promise<Service>,
): Promise<void> {
  const stopping = new AbortController();
  void stopAsked.then(() => stopping.abort(new Error("stopping")));
  const health = new Health(systemClock.nowMs, parts);
  const tell: TellStarter = (message) => void tellStarter(message);
  const frame: ServiceFrame = { env: process.env, logger, health, signal: stopping.signal, tell };
  const service = await Promise.race([compose(frame), stopAsked]);
  // Asked for before there was anything to stop.
  if (!service) return;
  void health.firstReady.then(() => tell({ kind: "ready" }));
  const running = service.run();
  const done = running.then(() => boundStopping(logger));
  const stopped = Promise.race([done, stopAsked]).then(() => service.stop());
  await Promise.all([running, stopped]);
}

/** Rejects with the first error that nobody has caught, those of promises included. A second one ends the process. */
function firstUncaught(): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  let count = 0;
  process.on("uncaughtException", (error) => {
    count += 1;
    if (count > 1) process.exit(1);
    reject(error);
  });
  return promise;
}

/** Stops a service that has crashed. What goes wrong with that says less than the crash. */
async function leave(service: Service, logger: Logger): Promise<void> {
  const left = service.stop("drop").catch((error) => {
    logger.debug({ event: "not_in_group", err: error }, "could not stop in order after the crash");
  });
  await waitWithin(systemClock, LEAVE_MS_MAX, left);
}

/** From now on the process has a bounded time. */
function boundStopping(logger: Logger): void {
  setTimeout(() => {
    const message = "could not stop in time; work in flight will be repeated";
    logger.warn({ event: "stop_timed_out", stopMsMax: STOP_MS_MAX }, message);
    process.exit(1);
  }, STOP_MS_MAX).unref();
}

/** Resolves when a stop is first asked for, however; from then on the process has a bounded time. */
function onStopAsked(logger: Logger): Promise<undefined> {
  const asked = Promise.withResolvers<undefined>();
  let isStopping = false;
  const stop = (reason: string) => {
    if (isStopping) return;
    isStopping = true;
    logger.info({ event: "stopping", reason }, "stopping");
    boundStopping(logger);
    asked.resolve(undefined);
  };
  let signals = 0;
  const onSignal = (signal: string) => {
    signals += 1;
    if (signals > 1) process.exit(1);
    stop(signal);
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
  // A terminal's Ctrl-C reaches both processes, and the starter then asks as well: that is no second signal.
  onStarterStop(stop);
  return asked.promise;
}

/** The largest resident set of this process so far. */
function peakRssBytes(): number {
  return process.resourceUsage().maxRSS * 1024;
}
