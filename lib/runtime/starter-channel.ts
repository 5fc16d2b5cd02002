import type { ServiceMessage, ServiceRequest } from "./service-message.ts";

/**
 * Tells the process that started this one, if it listens.
 *
 * @returns resolves once the message is on its way, or nobody is there to get it; never rejects.
 */
export function tellStarter(message: ServiceMessage): Promise<void> {
  if (!process.send || !process.connected) return Promise.resolve();
  return new Promise((resolve) => process.send?.(message, undefined, undefined, () => resolve()));
}

/** Calls back, perhaps more than once, when the process that started this one asks for a stop, or is gone. */
export function onStarterStop(stop: (reason: string) => void): void {
  if (!process.send) return;
  process.on("message", ({ kind }: ServiceRequest) => {
    if (kind === "stop") stop("asked to");
  });
  process.on("disconnect", () => stop("whoever started this service is gone"));
}
