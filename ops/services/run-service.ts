import { FruitstreamError } from "#lib/runtime/errors.ts";
import { type ServiceOptions, ServiceProcess } from "./service-process.ts";

/**
 * Runs a service that knows where to stop, as a process of its own, until it ends by itself.
 *
 * @throws the signal's reason once the process has stopped in order; stack-unavailable when it fails, with its own words.
 */
export async function runServiceToEnd(
  options: Omit<ServiceOptions, "onRestart" | "signal">,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const service = new ServiceProcess(options);
  const stop = () => void service.stop();
  signal.addEventListener("abort", stop, { once: true });
  try {
    await Promise.race([service.ended, service.failure]);
    signal.throwIfAborted();
  } catch (error) {
    if (signal.aborted || !(error instanceof FruitstreamError)) throw error;
    throw new FruitstreamError(error.code, `${error.message}; run the same command again to go on`, { cause: error });
  } finally {
    signal.removeEventListener("abort", stop);
    await service.stop();
  }
}
