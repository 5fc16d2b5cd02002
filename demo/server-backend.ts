import { kafkaRecordLog } from "#lib/log/kafka/kafka-record-log.ts";
import { silentLogger } from "#lib/runtime/logger.ts";
import { openStackStore } from "#ops/pipeline/endpoints.ts";
import type { ServiceProcess } from "#ops/services/service-process.ts";
import type { StackEndpoints } from "#stack/endpoints.ts";
import { type StackUp, stackDown, stackUp } from "#stack/local-stack.ts";
import { readStackSettings } from "#stack/stack-settings.ts";
import type { DemoBackend, DemoPlace } from "./demo-backend.ts";
import { startServices } from "./demo-services.ts";

/**
 * Kafka and S3, with each service as a process of its own: the servers that the environment names, else the local
 * stack, which is started when it doesn't run, and stopped at the end if it was started here.
 *
 * @throws stack-unavailable; the signal's reason.
 */
export async function openServerBackend(place: DemoPlace, named: StackEndpoints | undefined): Promise<DemoBackend> {
  const { options, logFolder, note, signal } = place;
  const { endpoints, startedHere } = named ? { endpoints: named, startedHere: false } : await localStack(place);
  const kafka = { brokers: endpoints.kafkaBrokers, clientId: "fruitstream-demo" };
  const services: ServiceProcess[] = [];
  const killServices = () => {
    for (const service of services) service.kill();
  };
  process.once("exit", killServices);
  const store = openStackStore(endpoints);

  return {
    log: kafkaRecordLog(kafka, silentLogger),
    store,
    keepsTable: true,
    async startServices(config) {
      services.push(...startServices(options, endpoints, config, logFolder, note, signal));
      const failure = Promise.race(services.map((service) => service.failure));
      await Promise.race([Promise.all(services.map(({ ready }) => ready)), failure]);
      return {
        failure,
        stop: async () => void (await Promise.all(services.map((service) => service.stop()))),
        rssPeakBytes: () => Object.fromEntries(services.map(({ name, rssPeakBytes }) => [name, rssPeakBytes])),
      };
    },
    async close() {
      await Promise.all(services.map((service) => service.stop()));
      process.off("exit", killServices);
      store.close();
      if (!startedHere) return;
      note("stopping the local stack, since this demo started it");
      await stackDown(readStackSettings(process.env));
    },
  };
}

async function localStack({ note, signal }: DemoPlace): Promise<StackUp> {
  try {
    const stack = await stackUp(readStackSettings(process.env), note);
    if (!stack.startedHere) note("the local stack runs already; a demo that started it will stop it at its end");
    return stack;
  } catch (error) {
    // A terminal's Ctrl-C ends a download as well.
    signal.throwIfAborted();
    throw error;
  }
}
