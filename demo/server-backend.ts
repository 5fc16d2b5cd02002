import { notingFaults } from "#lib/intake/photo-fault.ts";
import { uploadFolder } from "#lib/intake/upload-folder.ts";
import { kafkaRecordLog } from "#lib/log/kafka/kafka-record-log.ts";
import { silentLogger } from "#lib/runtime/logger.ts";
import { openStackStore } from "#ops/pipeline/endpoints.ts";
import type { ServiceGroup } from "#ops/services/service-process.ts";
import type { StackEndpoints } from "#stack/endpoints.ts";
import { type StackUp, stackDown, stackUp } from "#stack/local-stack.ts";
import { readStackSettings } from "#stack/stack-settings.ts";
import type { DemoBackend } from "./demo-backend.ts";
import type { DemoPlace } from "./demo-options.ts";
import { DEMO_BUCKET, PHOTO_RULES } from "./demo-photos.ts";
import { startServices } from "./demo-services.ts";

/**
 * Kafka and S3, with each service as a process of its own: the servers that the environment names, else the local
 * stack, which is started when it doesn't run, and stopped at the end if it was started here.
 *
 * @throws stack-unavailable; the signal's reason.
 */
export async function openServerBackend(place: DemoPlace, named: StackEndpoints | undefined): Promise<DemoBackend> {
  const { id, env, note } = place;
  const { endpoints, startedHere } = named ? { endpoints: named, startedHere: false } : await localStack(place);
  const kafka = { brokers: endpoints.kafkaBrokers, clientId: "fruitstream-demo" };
  let group: ServiceGroup | undefined;
  const store = openStackStore(endpoints);

  return {
    log: kafkaRecordLog(kafka, silentLogger),
    store,
    tableAfterwards: startedHere ? "kept-by-stopped-stack" : "kept",
    announcePhotos: (folder, announcer, hooks, onProgress) => {
      const target = { bucket: DEMO_BUCKET, prefix: `photos/${id}/`, isKnown: () => false };
      const options = { folder, ...target, ...PHOTO_RULES, onFault: notingFaults(note) };
      return uploadFolder(store, announcer, options, hooks, onProgress);
    },
    async startServices(config) {
      group = startServices(place, endpoints, config);
      const { services, ready, failure, stop } = group;
      await Promise.race([ready, failure]);
      return {
        failure,
        stop,
        rssPeakBytes: () => Object.fromEntries(services.map(({ name, rssPeakBytes }) => [name, rssPeakBytes])),
      };
    },
    async close() {
      await group?.stop();
      store.close();
      if (!startedHere) return;
      note("stopping the local stack, since this demo started it");
      await stackDown(readStackSettings(env));
    },
  };
}

async function localStack({ env, note, signal }: DemoPlace): Promise<StackUp> {
  try {
    const stack = await stackUp(readStackSettings(env), note);
    if (!stack.startedHere) note("the local stack runs already; a demo that started it will stop it at its end");
    return stack;
  } catch (error) {
    // A terminal's Ctrl-C ends a download as well.
    signal.throwIfAborted();
    throw error;
  }
}
