import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { OpsDeps } from "#ops/pipeline/ops-deps.ts";
import { type ServiceConfig, type ServiceKind, serviceEnvironment } from "./service-environment.ts";
import { type ServiceOptions, ServiceProcess } from "./service-process.ts";

type OneRun = Omit<ServiceOptions, "onRestart" | "signal">;

/**
 * Runs a service that knows where to stop, as a process of its own, until it ends by itself.
 *
 * @throws the signal's reason once the process has stopped in order; stack-unavailable when it fails, with its own words.
 */
export async function runServiceToEnd(options: OneRun, signal: AbortSignal): Promise<void> {
  try {
    await runOnce(options, signal);
  } catch (error) {
    if (!(error instanceof FruitstreamError)) throw error;
    throw new FruitstreamError(error.code, `${error.message}; run the same command again to go on`, { cause: error });
  }
}

/**
 * Runs a service for whoever sits at the terminal, which gets its log and is told where it answers and when it is ready.
 *
 * @param config what it is told, whatever the environment says.
 * @throws as `runServiceToEnd`.
 */
export async function runServiceInForeground<Kind extends ServiceKind>(
  kind: Kind,
  config: Partial<ServiceConfig<Kind>>,
  { env, note }: OpsDeps,
  signal: AbortSignal,
): Promise<void> {
  const options: OneRun = {
    name: `the ${kind}`,
    kind,
    env: serviceEnvironment(kind, env, config),
    log: "terminal",
    onMessage: (message) => {
      if (message.kind === "listening") note(`${kind}: ${message.url}`);
      if (message.kind === "ready") note(`${kind}: ready`);
    },
  };
  await runOnce(options, signal);
}

async function runOnce(options: OneRun, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const service = new ServiceProcess(options);
  const stop = () => void service.stop();
  signal.addEventListener("abort", stop, { once: true });
  try {
    await Promise.race([service.ended, service.failure]);
    signal.throwIfAborted();
  } finally {
    signal.removeEventListener("abort", stop);
    await service.stop();
  }
}
