import { constants } from "node:os";

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/**
 * Does work that a person or an orchestrator may interrupt: the first SIGINT or SIGTERM aborts the work's signal, and a
 * second one ends the process at once. Work that ends with the signal's reason counts as stopped in order. The exit code
 * is then what shells report of a program that the signal ended, 130 or 143.
 *
 * @returns the work's result, or undefined when it was interrupted.
 * @throws what the work throws, other than the signal's reason.
 */
export async function interruptible<Result>(
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result | undefined> {
  const controller = new AbortController();
  const onSignal = (name: (typeof SIGNALS)[number]) => {
    process.exitCode = 128 + constants.signals[name];
    if (controller.signal.aborted) process.exit();
    controller.abort(new Error("interrupted"));
  };
  for (const name of SIGNALS) process.on(name, onSignal);
  try {
    return await work(controller.signal);
  } catch (error) {
    if (error !== controller.signal.reason) throw error;
    return undefined;
  } finally {
    for (const name of SIGNALS) process.off(name, onSignal);
  }
}
