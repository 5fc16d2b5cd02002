import { type ServiceOptions, ServiceProcess } from "./service-process.ts";

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
